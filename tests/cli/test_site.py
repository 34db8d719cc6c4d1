"""`sockproof site`: stored matrix runs become a page of results, safe whatever they hold."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sockproof.cli import main
from sockproof.formats.site import Site
from sockproof.shelves import SHELVES, shelf
from tests import site_sample
from tests.render import sample
from tests.render.test_hostile import Tags
from tests.site_sample import FRAGMENTED, report, run

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    site_sample.two_versions(folder / "results")
    out = folder / "public"
    told = ["--out", str(out), "--docs-url", "https://docs.example/"]
    assert main(["site", str(folder / "results"), *told]) == 0
    return out


def tags_of(path: Path) -> Tags:
    reader = Tags()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def test_each_cell_that_is_no_pass_leads_to_its_evidence(public: Path) -> None:
    page = (public / "index.html").read_text(encoding="utf-8")
    cells = re.findall(r'<a class="mark (\w+)[^"]*" href="(servers/[^"#]+)#([^"]+)"', page)
    assert cells
    for outcome, name, fragment in cells:
        evidence = (public / name).read_text(encoding="utf-8")
        assert outcome != "PASS"
        assert f'id="{fragment}"' in evidence
    assert f"servers/two.html#{FRAGMENTED}" in page
    assert f"servers/one.html#{FRAGMENTED}" not in page
    assert "PONG 'firstsecond'" not in page
    evidence = (public / "servers" / "two.html").read_text(encoding="utf-8")
    assert "PONG &#39;firstsecond&#39; [11 octets]" in evidence
    assert f"https://docs.example/requirements/{FRAGMENTED}.html" in evidence


def test_json_says_since_which_version(public: Path) -> None:
    found = msgspec.json.decode((public / "results.json").read_bytes(), type=Site)
    servers = {each.name: each for each in found.servers}
    fixed, broken = (servers[name].requirements[FRAGMENTED] for name in ("one", "two"))
    assert (fixed.outcome, fixed.since, fixed.changed) == ("PASS", "One 1.1", True)
    assert (broken.outcome, broken.since, broken.changed) == ("FAIL", "Two 1.0", False)
    assert [each.title for each in servers["one"].versions] == ["One 1.0", "One 1.1"]


def test_a_client_library_is_not_the_server_of_its_name(tmp_path: Path) -> None:
    run(tmp_path / "results", 1, {"one": ("One 1.0", report())})
    run(tmp_path / "results", 2, {"one": ("One 1.0", report(fixed=True))}, of="clients")
    assert main(["site", str(tmp_path / "results"), "--out", str(tmp_path / "public")]) == 0
    public = tmp_path / "public"
    found = msgspec.json.decode((public / "results.json").read_bytes(), type=Site)
    ((server,), (client,)) = found.servers, found.clients
    assert (server.page, client.page) == ("servers/one.html", "clients/one.html")
    outcomes = [each.requirements[FRAGMENTED].outcome for each in (server, client)]
    assert outcomes == ["FAIL", "PASS"]
    assert all((public / each.page).is_file() for each in (server, client))
    assert {path.name for path in (public / "badges").iterdir()} >= {
        "one-websocket.json", "one-client-websocket.json",
    }  # fmt: skip
    page = (public / "index.html").read_text(encoding="utf-8")
    assert '<h2 id="websocket-clients">WebSocket clients' in page
    assert f'href="servers/one.html#{FRAGMENTED}"' in page
    assert f'href="clients/one.html#{FRAGMENTED}"' not in page
    assert "Nothing yet: changes show" in page


def test_badges_are_what_shields_reads(public: Path) -> None:
    badges = {path.name: json.loads(path.read_text()) for path in (public / "badges").iterdir()}
    assert "one-websocket.json" in badges
    for each in badges.values():
        assert each["schemaVersion"] == 1
        assert {*each} == {"schemaVersion", "label", "message", "color"}
    assert badges["two-websocket.json"]["color"] == "red"
    kept = [badges[f"{name}-websocket.json"]["message"].split()[0] for name in ("two", "one")]
    assert int(kept[0]) + 1 == int(kept[1])


def test_feeds_tell_what_changed_and_nothing_else(public: Path) -> None:
    for name in ("feed.xml", "servers/one.xml"):
        (entry,) = ET.fromstring((public / name).read_text()).findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}title") == "One 1.1: 1 requirement fixed"
        assert f"{FRAGMENTED}: FAIL → PASS" in str(entry.findtext(f"{ATOM}content"))
    assert not ET.fromstring((public / "servers/two.xml").read_text()).findall(f"{ATOM}entry")


def test_one_more_server_is_on_the_page_with_no_other_change(tmp_path: Path) -> None:
    site_sample.two_versions(tmp_path / "results")
    run(tmp_path / "results", 9, {"three": ("Three 0.1", report())})
    assert main(["site", str(tmp_path / "results"), "--out", str(tmp_path / "public")]) == 0
    page = (tmp_path / "public" / "index.html").read_text(encoding="utf-8")
    assert '<a href="servers/three.html">Three 0.1</a>' in page


def test_requirement_that_no_run_describes_has_its_level_alone(tmp_path: Path) -> None:
    told = report()
    del told["requirements"][FRAGMENTED]
    run(tmp_path / "results", 1, {"one": ("One 1.0", told)})
    assert main(["site", str(tmp_path / "results"), "--out", str(tmp_path / "public")]) == 0
    for name in ("index.html", "servers/one.html"):
        page = (tmp_path / "public" / name).read_text(encoding="utf-8")
        assert '<span class="soft">, ' not in page
        assert re.search(rf'{FRAGMENTED}(</b>)? <span class="soft">[A-Z]+</span>', page), name


def test_one_more_target_is_a_folder_and_nothing_else(tmp_path: Path) -> None:
    mine = tmp_path / "shelf"
    (mine / "targets").mkdir(parents=True)
    for name in SHELVES:
        if name != "targets":
            (mine / name).symlink_to(shelf(name))
    own = mine / "targets" / "my-server"
    shutil.copytree(shelf("targets") / "websockets", own)
    text = (own / "target.toml").read_text(encoding="utf-8")
    text = re.sub(r"^name = .*$", 'name = "my-server"', text, flags=re.MULTILINE)
    text = re.sub(r"^title = .*$", 'title = "My server"', text, flags=re.MULTILINE)
    (own / "target.toml").write_text(text, encoding="utf-8")
    given = ["--shelf", str(mine), "--results", str(tmp_path / "results")]
    case = "websocket/control_frames/ping_is_answered_with_its_payload*"
    assert main(["matrix", *given, "--case", case]) == 0
    assert main(["site", str(tmp_path / "results"), "--out", str(tmp_path / "public")]) == 0
    page = (tmp_path / "public" / "index.html").read_text(encoding="utf-8")
    assert re.search(r'<a href="servers/my-server.html">My server [\d.]+</a>', page)


def test_run_of_one_suite_leaves_what_others_found(tmp_path: Path) -> None:
    run(tmp_path, 1, {"one": ("One 1.0", report())})
    fewer = report(fixed=True)
    fewer["cases"] = [each for each in fewer["cases"] if each["requirement"] == FRAGMENTED]
    run(tmp_path, 2, {"one": ("One 1.0", fewer)})
    assert main(["site", str(tmp_path), "--out", str(tmp_path / "public")]) == 0
    (server,) = json.loads((tmp_path / "public" / "results.json").read_text())["servers"]
    assert len(server["requirements"]) > 1
    assert server["requirements"][FRAGMENTED]["outcome"] == "PASS"


def hostile() -> dict[str, Any]:
    made: dict[str, Any] = sample.hostile()
    return made


def test_hostile_server_makes_no_tag_and_no_address(tmp_path: Path) -> None:
    run(tmp_path / "clean", 1, {"one": ("One", report())})
    run(tmp_path / "hostile", 1, {"one": (sample.HOSTILE, hostile())})
    for name in ("clean", "hostile"):
        assert main(["site", str(tmp_path / name), "--out", str(tmp_path / f"{name}-site")]) == 0
    for page in ("index.html", "servers/one.html"):
        clean = tags_of(tmp_path / "clean-site" / page)
        found = tags_of(tmp_path / "hostile-site" / page)
        assert found.tags.count("script") == clean.tags.count("script")
        assert "img" not in found.tags
        text = (tmp_path / "hostile-site" / page).read_text(encoding="utf-8")
        assert "default-src 'none'" in text
        assert "\x1b" not in text
        assert not [each for each in found.addresses if "evil" in each or ":" in each]
    ET.fromstring((tmp_path / "hostile-site" / "feed.xml").read_text())


@pytest.mark.parametrize(
    ("change", "complaint", "code"),
    [
        (lambda told: told["columns"][0].update(name="../../x"), "cannot be the name of", 3),
        (lambda told: told["rows"][0].update(case="../x/y"), "cannot be the id of a case", 3),
        (lambda told: told.update(rows=1), "is invalid", 3),
        (lambda told: told["columns"][0].update(interrupted=True), "checked to its end", 2),
    ],
)
def test_wrong_run_is_one_line(
    change: Any, complaint: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run(tmp_path, 1, {"one": ("One", report())}) / "matrix.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    assert main(["site", str(tmp_path), "--out", str(tmp_path / "public")]) == code
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "public" / "index.html").exists()


def test_wrong_commands_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(tmp_path / "public")]
    assert main(["site", str(tmp_path / "nowhere"), *out]) == 3
    assert "there is no such directory" in capsys.readouterr().err
    assert main(["site", str(tmp_path), *out]) == 3
    assert "holds no run of" in capsys.readouterr().err
    run(tmp_path, 1, {"one": ("One", report())})
    assert main(["site", str(tmp_path), *out, "--docs-url", "javascript:alert(1)"]) == 3
    (tmp_path / "taken").write_text("")
    assert main(["site", str(tmp_path), "--out", str(tmp_path / "taken")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_evidence_that_cannot_be_read_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(tmp_path, 1, {"one": ("One", report())})
    (folder / "one" / "report.json").write_text("{")
    assert main(["site", str(tmp_path), "--out", str(tmp_path / "public")]) == 0
    assert "its evidence is left out" in capsys.readouterr().err
    assert FRAGMENTED in (tmp_path / "public" / "servers" / "one.html").read_text()
