"""The ledger's moves, in any order and interrupted anywhere, on the real MySQL; beside it a model in memory.

Hypothesis draws what authors, workers, the clock and the edge do, and where a process is killed, loses MySQL
or is overtaken by another. After each of them every recipient stands where the model says. In the end the
clock alone has brought the broadcast home: each recipient has the mail once, or there is a reason why not.
"""

import time
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from sidecars import names, streams
from sidecars.audiences.unsubscribe import unsubscribe
from sidecars.broadcasts import control, handover, publish, wakeups
from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.clock import tick
from sidecars.broadcasts.errors import NotPublishable, WrongState
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.settle import ORDER
from sidecars.broadcasts.slices import hand_back, renew_leases
from sidecars.broadcasts.states import BROADCAST_MOVES, SEND_MOVES, BroadcastState, SendState
from sidecars.edge import holds
from sidecars.edge.store import redis
from sidecars.enrichers.effects import apply
from sidecars.enrichers.handlers import handle_statuses
from sidecars.models import Broadcast, SendSlice, database, now
from sidecars.streams import ndjson
from tests.broadcasts import interruptions
from tests.broadcasts.interruptions import How, Interruption
from tests.broadcasts.model import Answer, Edge, decided, moves_of, outcomes, reported
from tests.raw_events import mta_event
from tests.sending import make_draft, make_people, make_team

S, B = SendState, BroadcastState
PEOPLE, CHUNK, SLICE = 5, 2, 2
HOUR = 3600
LOOKS = 60  # of the clock, till a broadcast must have ended that nobody touches any more

# What an event of that type says.
SAYS = {
    "accepted": S.ACCEPTED,
    "deferred": S.ACCEPTED,
    "cancelled": S.CANCELLED,
    "unknown": S.UNKNOWN,
    "delivered": S.DELIVERED,
    "bounced": S.BOUNCED,
}
ENDED = {B.CANCELLED, B.STOPPED}

whom = st.integers(0, PEOPLE - 1)
events = st.lists(st.tuples(st.sampled_from(list(SAYS)), whom), min_size=1, max_size=4)
answers = st.lists(st.sampled_from(Answer), min_size=1, max_size=SLICE)
others = st.sampled_from(
    ["another worker", "another clock, later", "our clock", "our end", "pause", "cancel", "its events"]
)
interrupted = st.one_of(
    st.none(),
    st.tuples(st.integers(1, 14), st.sampled_from([how for how in How if how is not How.OVERTAKEN])),
)
overtaken = st.one_of(interrupted, st.tuples(st.integers(1, 14), others))


class Ledger(RuleBasedStateMachine):
    """One broadcast to PEOPLE."""

    def __init__(self, producer):
        super().__init__()
        self.producer = producer
        self.edge = Edge(interruptions.step)
        handover.pool = lambda: self.edge

    @initialize(chunks=st.integers(0, 4), interruption=interrupted)
    def write(self, chunks, interruption):
        team = make_team()
        people = make_people(team, PEOPLE)
        self.team_id = team.id
        self.contacts = [contact.id for contact in people.contacts]
        self.id = make_draft(team, people.audience).id
        wakeups.connect(
            plan=lambda _: self.asked.append(self._plan), send=lambda _: self.asked.append(self._send)
        )
        self.asked = []
        self.events = []
        self.unwanted = set()
        self.moment = time.time()
        self._read()
        if chunks:
            self.run(lambda: publish.publish(self.id))
            self.run(self._plan, interruption)
        for _ in range(1, chunks):
            self.run(self._plan)

    # What people do, at the right time and at the wrong one.

    @rule(
        wish=st.sampled_from(
            2 * ["publish", "pause", "resume"] + ["schedule", "unschedule", "cancel", "stop"]
        ),
        interruption=overtaken,
    )
    def wish(self, wish, interruption):
        self.run(lambda: self._fulfil(wish), interruption)

    def _fulfil(self, wish):
        match wish:
            case "schedule":
                publish.schedule(self.id, now() + timedelta(hours=1))
            case "stop":
                control.stop(self.id, "by a policy")
            case "publish" | "unschedule":
                getattr(publish, wish)(self.id)
            case _:
                getattr(control, wish)(self.id)

    @rule(person=whom)
    def unsubscribe(self, person):
        contact_id = self.contacts[person]
        self.unwanted.add(contact_id)
        unsubscribe(contact_id, "page", str(uuid4()))

    # What our processes do.

    @precondition(lambda self: self.state is B.PLANNING or S.PLANNED in self.states.values())
    @rule(answers=answers, interruption=overtaken)
    def work(self, answers, interruption):
        self.edge.answers = answers
        self.moment += 1
        self.run(self._plan if self.state is B.PLANNING else self._send, interruption)

    work_more = work  # so that it is drawn more often

    @precondition(lambda self: self.state is not B.DRAFT)
    @rule(interruption=interrupted)
    def look(self, interruption):
        self.run(self._look, interruption)

    @rule(seconds=st.sampled_from([1, 40, HOUR, -HOUR]))
    def pass_time(self, seconds):
        """And what Redis kept of whose mails these are is lost."""
        self.moment += seconds
        if keys := [names.message_key(message_id) for message_id in self.edge.taken.values()]:
            redis.delete(*keys)

    # What the edge tells, in any order, some of it twice, some of it late.

    @precondition(lambda self: self.edge.taken)
    @rule(told=events, interruption=overtaken)
    def tell(self, told, interruption):
        taken = list(self.edge.taken)
        batch = [(type_, taken[person % len(taken)]) for type_, person in told]
        if self.state not in ENDED:
            batch = [(type_, contact) for type_, contact in batch if type_ != "cancelled"]
        self.events += batch
        self.run(lambda: self._settle(batch), interruption)

    @precondition(lambda self: self.events)
    @rule(interruption=interrupted)
    def tell_all_again(self, interruption):
        self.run(lambda: self._settle(self.events[::-1]), interruption)

    # What holds after each of them.

    @invariant()
    def every_send_is_counted_and_waits_for_somebody(self):
        slices = SendSlice.select(SendSlice.lo, SendSlice.hi).where(
            SendSlice.broadcast == self.id, SendSlice.state != "done"
        )
        waiting = [contact for lo, hi in slices.tuples() for contact in self.states if lo <= contact <= hi]
        assert len(waiting) == len(set(waiting))
        assert {contact for contact, state in self.states.items() if state is S.PLANNED} <= set(waiting)
        assert not (self.state is B.SENT and waiting)
        assert len(self.states) == self.planned_total
        assert self.states.keys() <= set(self.contacts)

    # How it ends.

    def teardown(self):
        try:
            self._bring_home()
        finally:
            # What a failed example leaves is no other's business.
            Broadcast.update(finished_at=now(), scheduled_at=now() + timedelta(days=9)).where(
                Broadcast.id == self.id
            ).execute()

    def _bring_home(self):
        """By the clock alone, and the tasks that it asks for."""
        self.run(lambda: control.resume(self.id))
        self.edge.answers = (Answer.TAKES,)
        looks = 0
        while self.state not in {B.DRAFT, B.SCHEDULED} and not Broadcast.get_by_id(self.id).finished_at:
            looks += 1
            assert looks < LOOKS, f"it stays {self.state}"
            self.moment += 40
            self.asked.clear()
            self.run(self._look)
            for work in self.asked:
                self.run(work)
        last = "cancelled" if self.state in ENDED else "delivered"
        self.events += [(last, contact) for contact in self.edge.taken if not self._facts(contact)]
        self.run(lambda: self._settle(self.events))
        self._check_fates()

    def _check_fates(self):
        for contact, state in self.states.items():
            if sent := self._facts(contact) - {S.CANCELLED}:
                assert state is max(sent, key=ORDER.index)
            elif state is S.SKIPPED:
                assert contact in self.unwanted
            elif state is S.REJECTED:
                assert contact in self.edge.refused
            else:
                assert state is S.CANCELLED
                assert self.state in ENDED
        if self.state is B.SENT:
            assert set(self.contacts) - set(self.states) <= self.unwanted
        found = counts(self.id)
        assert found.pop("total") == sum(found.values()) == len(self.states)

    def _facts(self, contact):
        """What the edge told of the recipient's mail, save that it has it."""
        return {SAYS[type_] for type_, whose in self.events if whose == contact} - {S.ACCEPTED}

    # How a process runs, and what it may have done.

    def run(self, work, interruption=None):
        """A process that does `work`; afterwards each send stands where the model allows it."""
        self.edge.decisions = []
        by_others = []
        armed = interruption and self._arm(*interruption, by_others)

        def ask():
            with suppress(WrongState, NotPublishable):
                work()

        interruptions.run(ask, armed, self.moment)
        whole = not (armed and armed.happened and armed.how is not How.OVERTAKEN)
        before, was = self.state, self.states
        self._read()
        for contact, state in self.states.items():
            own, other = (
                self._moves(contact, decisions, {before, self.state})
                for decisions in (self.edge.decisions, by_others)
            )
            assert state in outcomes(was.get(contact, S.PLANNED), own, other, whole=whole)

    def _arm(self, at, what, by_others):
        if isinstance(what, How):
            return Interruption(at, what)
        work = {
            "another worker": self._send,
            "another clock, later": tick,
            "our clock": self._look,
            "our end": hand_back,
            "pause": lambda: control.pause(self.id),
            "cancel": lambda: control.cancel(self.id),
            "its events": lambda: self._settle([("delivered", contact) for contact in self.edge.taken]),
        }[what]

        def overtake():
            own, self.edge.decisions = self.edge.decisions, by_others
            if what == "another clock, later":
                self.moment += 40
            if what == "its events":
                self.events += [("delivered", contact) for contact in self.edge.taken]
            with suppress(WrongState):
                interruptions.run(work, None, self.moment)
            self.edge.decisions = own

        return Interruption(at, How.OVERTAKEN, overtake)

    def _moves(self, contact, decisions, states):
        """What was decided of the recipient, and what anybody may do: skip the unwanted, cancel the ended."""
        skipped = [decided(S.SKIPPED, may=True)] if contact in self.unwanted else []
        cancelled = [decided(S.CANCELLED, may=True)] if states & ENDED else []
        return [*skipped, *moves_of(contact, decisions), *cancelled]

    def _plan(self):
        planning.plan_next_chunk(self.id)

    def _send(self):
        handover.send_next_slice(self.id)

    def _look(self):
        renew_leases()
        tick()

    def _settle(self, told):
        lines = [
            ndjson(
                [
                    mta_event(
                        type_,
                        self.edge.taken[contact],
                        code=550 if type_ == "bounced" else 250,
                        enhanced="5.7.1" if type_ == "bounced" else "2.0.0",
                        team_id=self.team_id,
                    )
                ]
            )
            for type_, contact in told
        ]
        steps = sorted((ORDER.index(SAYS[type_]), contact) for type_, contact in told)
        self.edge.decisions += [(contact, reported(ORDER[number])) for number, contact in steps]
        apply(handle_statuses(lines), self.producer)

    def _read(self):
        ((state, self.planned_total),) = database.execute_sql(
            "SELECT state, planned_total FROM broadcasts WHERE id = %s", [self.id]
        )
        self.state = B(state)
        rows = database.execute_sql("SELECT contact_id, state FROM sends WHERE broadcast_id = %s", [self.id])
        self.states = {contact: S(state) for contact, state in rows}


@pytest.fixture
def forbidding(connection):
    """MySQL itself refuses each move that the tables of states.py do not hold."""
    stored = {(_stored(old), _stored(new)) for old, targets in SEND_MOVES.items() for new in targets}
    words = {(old.value, new.value) for old, targets in BROADCAST_MOVES.items() for new in targets}
    for table, moves in (("sends", stored), ("broadcasts", words)):
        pairs = ", ".join(f"({old!r}, {new!r})" for old, new in sorted(moves))
        database.execute_sql(
            f"""CREATE TRIGGER {table}_moves BEFORE UPDATE ON {table} FOR EACH ROW
                IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN ({pairs})
                THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no move of states.py'; END IF"""
        )
    yield
    for table in ("sends", "broadcasts"):
        database.execute_sql(f"DROP TRIGGER {table}_moves")


def _stored(state):
    return int(S.PLANNED if state is S.CLAIMED else state)


@pytest.fixture
def steps(monkeypatch, wakeups):
    """Each statement of a process is a step of it; a broadcast to few has several chunks and slices."""
    monkeypatch.setattr(database, "cursor", interruptions.cursor)
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=SLICE))
    monkeypatch.setattr(planning, "CHUNK", CHUNK)
    monkeypatch.setattr(handover, "pool", None)
    monkeypatch.setattr(holds, "WRITING_SECONDS", 0.05)  # who is overtaken while it writes holds up the other
    yield
    database.close_idle()  # connections whose clock stands still


@pytest.fixture
def producer(stack):
    producer = streams.producer()
    yield producer
    producer.close()


@pytest.mark.usefixtures("forbidding", "steps")
def test_whatever_is_interrupted_the_ledger_stands_where_the_model_does(producer):
    # The time of an example is MySQL's, not that of drawing it: no deadline and no health check judges it.
    within = settings(
        max_examples=settings().max_examples // 4,  # each takes a second
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_machine(lambda: Ledger(producer), settings=within)
