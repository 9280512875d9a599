/** People by hour of the day, beside another period or store (uPlot). */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const two = (hour) => String(hour).padStart(2, "0");

export class Profile {
  constructor(element, { texts }) {
    this.element = element;
    this.texts = texts;
    this.chart = null;
    new ResizeObserver(() => this.chart?.setSize(this.size())).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (this.sides) this.draw(this.sides); });
  }

  size() {
    return { width: this.element.clientWidth, height: 200 };
  }

  /** @param {{name: string, hours: {hour: number, entered: number}[], days: number}[]} sides people per day and hour */
  draw(sides) {
    this.sides = sides;
    this.chart?.destroy();
    const hours = sides.flatMap((side) => side.hours.map((one) => one.hour));
    const first = Math.min(...hours);
    const last = Math.max(...hours);
    const axis = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const values = sides.map((side) => {
      const found = new Map(side.hours.map((one) => [one.hour, one.entered / side.days]));
      return axis.map((hour) => found.get(hour) ?? 0);
    });
    this.chart = new window.uPlot({ ...this.size(), ...this.options(sides, first, last) }, [axis, ...values], this.element);
  }

  options(sides, first, last) {
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--quiet"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const look = [
      { stroke: colour("--accent"), fill: colour("--accent"), paths: window.uPlot.paths.bars({ size: [0.7, 26], radius: 0.2 }), points: { show: false } },
      { stroke: colour("--warn"), width: 2, points: { show: true, size: 7, fill: colour("--surface"), stroke: colour("--warn"), width: 2 } },
    ];
    return {
      cursor: { points: { show: false } },
      scales: { x: { time: false, range: [first - 0.5, last + 0.5] }, y: { range: (_, __, top) => [0, Math.max(4, top * 1.15)] } },
      axes: [{ ...axis, size: 30, grid: { show: false }, space: 34, incrs: [1, 2, 3, 4, 6], values: (_, splits) => splits.map(two) }, { ...axis, size: 40 }],
      series: [
        { label: this.texts.hour, value: (_, one) => (one === null ? "–" : `${two(one)}:00`) },
        ...sides.map((side, index) => ({ label: side.name, value: (_, one) => (one === null ? "–" : Math.round(one)), ...look[index] })),
      ],
    };
  }
}
