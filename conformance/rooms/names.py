"""Rooms R5, R10 and R17: any text is a room's name, and names that look alike are two rooms."""

from sockproof.conformance import Target, case

ALIKE = {
    "case": ("Room", "room"),
    "blanks": ("room", " room "),
    "marks": ("r\u00f6\u00f6m", "ro\u0308o\u0308m"),
    "scripts": ("聊天室", "聊天屋"),
    "astral": ("\U0001f600", "\U0001f601"),
    "commas": ("a,b", "a"),
    "slashes": ("/custom", "/custom/"),
    "zeros": ("a\0b", "a\0c"),
    "long": ("x" * 3000 + "1", "x" * 3000 + "2"),
    "digits": ("007", "7"),
    "words": ("null", "undefined"),
    "stars": ("room-*", "room-1"),
}


@case("rooms-members-only", needs={"join", "emit"}, over={"names": tuple(ALIKE)})
async def names_that_look_alike_are_two_rooms(target: Target, names: str) -> None:
    speaker, member, other = await target.connect_socketio(3)
    unique = target.unique("")
    first, second = (name + unique for name in ALIKE[names])
    await member.proof("join", rooms=[first])
    await other.proof("join", rooms=[second])
    for room, hearer in ((first, member), (second, other)):
        await speaker.proof("emit", event="said", args=[room], to=[room])
        await hearer.expect_event("said", room)
    await speaker.fence(member, other)


WORDS = (
    *("__proto__", "constructor", "hasOwnProperty", "toString", "length", "prototype"),
    *("null", "None", "NaN", "undefined", "__class__", "self", "true", "0", "-1"),
    *(".", "../..", "*", "a,b", '["a"]', "'\"`", "\\", "%s{0}$(a)", " ", "聊天室"),
)


@case("rooms-members-only", needs={"join", "emit"}, over={"name": WORDS})
async def word_of_the_servers_language_is_a_name_like_any_other(target: Target, name: str) -> None:
    speaker, member, outsider = await target.connect_socketio(3)
    await speaker.proof("emit", event="said", args=["to nobody yet"], to=[name])
    await member.proof("join", rooms=[name])
    await speaker.proof("emit", event="said", args=[name], to=[name])
    await member.expect_event("said", name)
    await speaker.fence(member, outsider)


@case("rooms-number-name", needs={"join", "emit"}, exclusive=True)
async def number_and_its_text_name_one_room_or_two(target: Target) -> None:
    speaker, member = await target.connect_socketio(2)
    answer = await member.operate("join", rooms=[7])
    if answer.get("ok") is not True:
        target.report("the room 7", "is refused")
        return
    await speaker.operate("emit", event="said", args=["to the text"], to=["7"])
    await speaker.proof("emit", event="fence", args=[], to=[member.sid])
    with target.preparing("the fence, or what was said to '7'"):
        got = (await member.receive_event()).data
    same = got == ["said", "to the text"]
    target.report('the rooms 7 and "7"', "are one" if same else "are two")
