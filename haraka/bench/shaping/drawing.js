'use strict'

// The hour as a picture: mails taken in each minute, a panel a provider, its limit dashed, the storm shaded.

const WIDTH = 720
const PANEL = 110
const LEFT = 60
const RIGHT = 20
const TOP = 34
const GAP = 34

function drawing({ minutes, edges, providers }) {
    const height = TOP + providers.length * (PANEL + GAP)
    const panels = providers.map((provider, i) => panel(provider, minutes, TOP + i * (PANEL + GAP)))
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${LEFT}" y="18" font-size="13">Mails taken in each of ${minutes} minutes, sent by ${edges} edges together</text>
${panels.join('\n')}
</svg>
`
}

function panel({ name, limits, byMinute, stormMinutes }, minutes, top) {
    const x = (minute) => round(LEFT + (minute / minutes) * (WIDTH - LEFT - RIGHT))
    const most = limits.perMinute * 1.1
    const y = (mails) => round(top + PANEL - (mails / most) * PANEL)
    const line = byMinute.map((mails, minute) => `${x(minute + 0.5)},${y(mails)}`).join(' ')
    const [from, to] = stormMinutes
    const storm =
        to > from
            ? `<rect x="${x(from)}" y="${top}" width="${round(x(to) - x(from))}" height="${PANEL}" fill="#f6d5d5"/>
<text x="${x(from) + 4}" y="${top + 28}" fill="#a33">421 to everything</text>`
            : ''
    return `<g>${storm}
<rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${PANEL}" fill="none" stroke="#bbb"/>
<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(limits.perMinute)}" y2="${y(limits.perMinute)}" stroke="#c33" stroke-dasharray="5 3"/>
<polyline points="${line}" fill="none" stroke="#26c" stroke-width="1.5"/>
<text x="${LEFT - 6}" y="${y(limits.perMinute) + 4}" text-anchor="end" fill="#c33">${limits.perMinute}</text>
<text x="${LEFT - 6}" y="${top + PANEL}" text-anchor="end">0</text>
<text x="${LEFT + 6}" y="${top + PANEL - 6}">${name}</text></g>`
}

const round = (number) => Math.round(number * 10) / 10

module.exports = { drawing }
