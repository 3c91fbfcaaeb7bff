"""Those who open, click and unsubscribe, each in their own time, and robots that open links before them.

Who does what is a pure function of the seed, the broadcast and the address, so that a run can be repeated.
A receipt is written only after the tracking host has answered 2xx or 3xx.
"""

from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from functools import partial
from random import Random

from simulator.agenda import Agenda, Never
from simulator.chance import Dice, heavy_tailed
from simulator.devices import Devices
from simulator.edge import Edge
from simulator.letter import Letter, post_form
from simulator.providers import Provider
from simulator.receipts import Kind, Receipts
from simulator.store import Mail, Store
from simulator.web import Web

DAY = 24 * 3600.0
# Half of those who open at all have done so after an hour and a half; some come a day later.
MEDIAN_SECONDS_TO_OPEN = 1.5 * 3600
SPREAD_OF_OPENING = 1.6
OPENS_AGAIN = 0.25
CLICKS_AGAIN = 0.2
# Ways to unsubscribe, with weights; a way that a mail does not offer is passed over.
WAYS_OUT = {"one-click": 6, "page": 3, "mailto": 1}


class Reading:
    """One mail in the hands of one person or robot; its text is fetched when it is first looked at."""

    def __init__(self, mail: Mail, store: Store, chance: Random) -> None:
        self.mail = mail
        self.chance = chance
        self._store = store
        self._letter: Letter | None = None

    @property
    def letter(self) -> Letter:
        """Raises Never when the mail is no longer kept."""
        if self._letter is None:
            raw = self._store.raw(self.mail)
            if raw is None:
                raise Never(f"mail {self.mail.id} is no longer kept; raise SIMULATOR_KEEP_MAILS")
            self._letter = Letter(raw)
        return self._letter


class People:
    """`scale` is how many seconds of theirs pass in one of ours."""

    def __init__(
        self, dice: Dice, scale: float, agenda: Agenda, receipts: Receipts, store: Store, web: Web, edge: Edge
    ) -> None:
        self._dice = dice
        self._scale = scale
        self._agenda = agenda
        self._receipts = receipts
        self._store = store
        self._web = web
        self._edge = edge
        self._devices = Devices()

    def receive(self, mail: Mail, provider: Provider) -> None:
        """Plans all that will be done with a mail that has just arrived."""
        subject = mail.subject
        key = (subject.broadcast_id, subject.recipient.lower())
        shares = provider.people
        if shares.prefetch and self._dice.draw("prefetch", *key) < shares.prefetch:
            chance = self._dice.generator("robot", *key)
            self._later(chance.uniform(2, 60), self._prefetch, Reading(mail, self._store, chance))
        if shares.open and self._dice.draw("open", *key) < shares.open:
            self._plan_reader(Reading(mail, self._store, self._dice.generator("reader", *key)), provider)

    def _plan_reader(self, reading: Reading, provider: Provider) -> None:
        chance, shares = reading.chance, provider.people
        images, browser = self._devices.reader(chance)
        opened = heavy_tailed(chance.random(), MEDIAN_SECONDS_TO_OPEN, SPREAD_OF_OPENING, DAY)
        self._later(opened, self._open, reading, images)
        again = opened
        while chance.random() < OPENS_AGAIN:
            again += chance.uniform(60, max(DAY - again, 120))
            self._later(again, self._open, reading, images)
        # The shares are of all accepted mails, and only those who opened come here.
        wants = chance.random() * shares.open
        if wants < shares.click:
            clicked = opened + chance.uniform(5, 120)
            self._later(clicked, self._click, reading, browser, chance.random())
            while chance.random() < CLICKS_AGAIN:
                clicked += chance.uniform(5, 300)
                self._later(clicked, self._click, reading, browser, chance.random())
        elif wants < shares.click + shares.unsubscribe:
            way = chance.choices(list(WAYS_OUT), weights=list(WAYS_OUT.values()))[0]
            self._later(opened + chance.uniform(5, 60), self._unsubscribe, reading, browser, way)

    def _later(self, seconds: float, action: Callable[..., Awaitable[None]], *arguments: object) -> None:
        self._agenda.add(seconds / self._scale, partial(action, *arguments))

    # --- what they do

    async def _open(self, reading: Reading, headers: dict[str, str]) -> None:
        if url := reading.letter.pixel:
            await self._fetch(Kind.OPENED, reading.mail, url, headers)

    async def _click(self, reading: Reading, headers: dict[str, str], position: float) -> None:
        """`position` in [0, 1) chooses a link; those near the top are chosen more often."""
        if links := reading.letter.links:
            link = links[int(position**1.7 * len(links))]
            await self._fetch(Kind.CLICKED, reading.mail, link.url, headers, link=link.index)

    async def _prefetch(self, reading: Reading) -> None:
        """Opens every link, each a task of its own so that a retry does not repeat the others."""
        headers = self._devices.scanner(reading.chance)
        fetch = partial(self._fetch, Kind.PREFETCHED, reading.mail, headers=headers)
        for link in reading.letter.links:
            self._agenda.add(0, partial(fetch, link.url, what="click", link=link.index))
        if url := reading.letter.unsubscribe_page:
            self._agenda.add(0, partial(fetch, url, what="unsubscribe"))

    async def _fetch(self, kind: Kind, mail: Mail, url: str, headers: dict[str, str], **more: object) -> None:
        status, _ = await self._web.call("GET", url, headers)
        self._write(kind, mail, status, f"GET {url}", headers, **more)

    async def _unsubscribe(self, reading: Reading, headers: dict[str, str], way: str) -> None:
        letter, mail = reading.letter, reading.mail
        if way == "mailto" and letter.mailto:
            await self._unsubscribe_by_mail(mail, *letter.mailto)
        elif letter.one_click and (way == "one-click" or not letter.unsubscribe_page):
            form = {"List-Unsubscribe": "One-Click"}
            status, _ = await self._web.call("POST", letter.one_click, headers, form)
            text = f"POST {letter.one_click}"
            self._write(Kind.UNSUBSCRIBED, mail, status, text, headers, method="one-click")
        elif letter.unsubscribe_page:
            await self._unsubscribe_by_page(mail, letter.unsubscribe_page, headers)

    async def _unsubscribe_by_page(self, mail: Mail, url: str, headers: dict[str, str]) -> None:
        _, page = await self._web.call("GET", url, headers)
        form = post_form(page, url)
        if form is None:
            raise Never(f"the page at {url} has no form to post")
        address, fields = form
        status, _ = await self._web.call("POST", address, headers, fields)
        self._write(Kind.UNSUBSCRIBED, mail, status, f"POST {address}", headers, method="page")

    async def _unsubscribe_by_mail(self, mail: Mail, address: str, subject: str) -> None:
        reader = mail.subject.recipient
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = reader, address, subject
        message.set_content("Please take me off this list.\n")
        await self._edge.send(message, reader, address)
        self._receipts.add(Kind.UNSUBSCRIBED, mail.subject, 250, f"mail to {address}", method="mailto")

    def _write(
        self, kind: Kind, mail: Mail, status: int, text: str, headers: dict[str, str], **more: object
    ) -> None:
        caller = {"ip": headers["X-Forwarded-For"], "user_agent": headers["User-Agent"]}
        self._receipts.add(kind, mail.subject, status, text, **more, **caller)
