/** Periods of the floor page in the store's time zone. */

/** Minutes that the zone is ahead of UTC at an instant. */
function offsetMinutes(instant, zone) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(instant);
  const part = (type) => Number(parts.find((one) => one.type === type).value);
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"));
  return Math.round((local - Math.floor(instant / 60000) * 60000) / 60000);
}

/** "2026-05-04" -> the instant that day begins in the zone (asked twice: the first answer may be over a change of clocks). */
export function dayStart(date, zone) {
  const utc = Date.parse(`${date}T00:00:00Z`);
  const guess = utc - offsetMinutes(utc, zone) * 60000;
  return utc - offsetMinutes(guess, zone) * 60000;
}

/** The zone's date of an instant, as <input type=date> writes it. */
export function dateOf(instant, zone) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone }).format(instant);
}

/** {from, to, by}: instants in ms and the size of a footfall bucket. */
export function period(kind, zone, range, now) {
  if (kind === "range") {
    const after = new Date(Date.parse(`${range.to}T00:00:00Z`) + 86400e3).toISOString().slice(0, 10);
    return { from: dayStart(range.from, zone), to: Math.min(now, dayStart(after, zone)), by: "hour" };
  }
  const from = dayStart(dateOf(now, zone), zone);
  return { from, to: now, by: "hour" };
}
