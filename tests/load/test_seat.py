"""A seat stands in Locust's group for its user until that is stopped, once."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event
from gevent.pool import Group

from sockproof.load.locust.seat import Seat


class _User:
    """A user as far as Locust's group knows it; it takes as long to stop as it is let."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.stops = 0
        self.may_stop = Event()
        self._greenlet = group.spawn(self._run)

    @property
    def greenlet(self) -> object:
        return self._greenlet

    def _run(self) -> None:
        Seat(self).take()

    def on_stop(self) -> None:
        self.stops += 1
        self.may_stop.wait()


def seated(group: Group) -> tuple[_User, Seat]:
    user = _User(group)
    gevent.idle()
    (seat,) = group
    assert isinstance(seat, Seat)
    assert seat.args == (user,)
    assert user.greenlet is seat
    return user, seat


@pytest.mark.usefixtures("hub")
def test_a_group_is_empty_once_its_user_has_been_stopped() -> None:
    group = Group()
    user, seat = seated(group)
    assert not group.join(0)
    group.killone(seat, block=False)
    group.killone(seat, block=False)
    gevent.idle()
    assert (user.stops, len(group), seat.dead) == (1, 1, False)
    user.may_stop.set()
    assert group.join()
    assert (user.stops, len(group), seat.dead) == (1, 0, True)


@pytest.mark.usefixtures("hub")
def test_who_kills_a_group_waits_for_the_user() -> None:
    group = Group()
    user, seat = seated(group)
    others = Group()  # as Locust has one of those that it stops
    others.add(seat)
    gevent.spawn_later(0.01, user.may_stop.set)
    group.kill(block=True)
    assert (user.stops, seat.dead) == (1, True)
    assert others.join()
    seat.kill()
    assert user.stops == 1


@pytest.mark.usefixtures("hub")
def test_a_user_that_has_no_greenlet_takes_a_seat() -> None:
    group = Group()
    user = _User.__new__(_User)
    user.group, user.stops, user.may_stop, user._greenlet = group, 0, Event(), None
    user.may_stop.set()
    Seat(user).take()
    assert list(group) == [user.greenlet]
    group.kill(block=True)
    assert (user.stops, len(group)) == (1, 0)
