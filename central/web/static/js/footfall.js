/** People through the door over time (uPlot). */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Footfall {
  constructor(element, { timezone, language, texts }) {
    this.element = element;
    this.zone = timezone;
    this.texts = texts;
    const base = { timeZone: timezone, hour12: false };
    this.hour = new Intl.DateTimeFormat(language, { ...base, hour: "2-digit", minute: "2-digit" });
    this.day = new Intl.DateTimeFormat(language, { ...base, day: "numeric", month: "short" });
    this.chart = null;
    new ResizeObserver(() => this.chart?.setSize(this.size())).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.clear(); if (this.data) this.draw(this.data); });
  }

  size() {
    return { width: this.element.clientWidth, height: 200 };
  }

  clear() {
    this.chart?.destroy();
    this.chart = null;
  }

  /** @param {{at: string, entered: number, left: number}[]} buckets */
  draw(buckets) {
    this.data = buckets;
    const data = [buckets.map((one) => Date.parse(one.at) / 1000), buckets.map((one) => one.entered), buckets.map((one) => one.left)];
    if (this.chart) return this.chart.setData(data);
    this.chart = new window.uPlot({ ...this.size(), ...this.options() }, data, this.element);
    return undefined;
  }

  options() {
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--quiet"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1e3), this.zone),
      cursor: { points: { show: false } },
      scales: { x: { range: (_, low, high) => [low - this.half(), high + this.half()] }, y: { range: (_, __, top) => [0, Math.max(4, top * 1.15)] } },
      axes: [
        { ...axis, size: 30, grid: { show: false }, space: 56, incrs: this.steps(), values: (_, splits) => splits.map((one) => this.tick(one, splits)) },
        { ...axis, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
      ],
      series: [
        { value: (_, one) => (one === null ? "–" : `${this.day.format(one * 1e3)} ${this.hour.format(one * 1e3)}`), label: this.texts.time },
        { label: this.texts.entered, stroke: colour("--accent"), fill: colour("--accent"), paths: window.uPlot.paths.bars({ size: [0.7, 26], radius: 0.2 }), points: { show: false } },
        { label: this.texts.left, stroke: colour("--warn"), width: 2, points: { show: true, size: 7, fill: colour("--surface"), stroke: colour("--warn"), width: 2 } },
      ],
    };
  }

  /** Seconds between marks of the time axis: whole buckets. */
  steps() {
    if (this.half() >= 11 * 3600) return [1, 2, 7, 14, 28].map((days) => days * 86400);
    return this.half() >= 1800 ? [1, 2, 3, 4, 6, 12, 24, 48, 168].map((hours) => hours * 3600) : [1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * 60);
  }

  /** Half a bucket, so that the first and the last bar are whole. */
  half() {
    return this.data.length > 1 ? (Date.parse(this.data[1].at) - Date.parse(this.data[0].at)) / 2000 : 1800;
  }

  tick(seconds, splits) {
    const long = splits.length > 1 && splits[splits.length - 1] - splits[0] > 2 * 86400;
    return (long ? this.day : this.hour).format(seconds * 1e3);
  }
}
