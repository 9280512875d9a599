/** A picture or plan with handles on it: click, drag, zoom; every handle takes the keyboard. */
import { draw, make, words } from "./wire.js";

const ZOOMS = [1, 2, 4, 8];

export class Pane {
  /** `step`: how far an arrow key moves a handle, in units of the pane; `digits`: of a coordinate. */
  constructor(host, { label, step, digits, onclick }) {
    this.host = host;
    this.step = step;
    this.digits = digits;
    this.onclick = onclick;
    this.zoom = 1;
    this.size = null;
    this.svg = draw("svg", { role: "group", "aria-label": label, preserveAspectRatio: "xMinYMin meet" });
    this.back = draw("g");
    this.front = draw("g");
    this.svg.append(this.back, this.front);
    this.svg.addEventListener("click", (event) => {
      if (this.dragged) return;
      const place = this.place(event);
      if (place && !event.target.closest(".handle")) this.onclick(place);
    });
    host.append(this.svg);
    this.svg.toggleAttribute("hidden", true);
  }

  /** Width and height in units of the pane. */
  resize(width, height) {
    this.size = [width, height];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.removeAttribute("hidden");
  }

  zoomButtons() {
    const change = (by) => () => {
      const at = Math.min(Math.max(ZOOMS.indexOf(this.zoom) + by, 0), ZOOMS.length - 1);
      this.zoom = ZOOMS[at];
      this.svg.style.width = `${this.zoom * 100}%`;
      this.onzoom?.();
    };
    const button = (text, label, by) => make("button", { type: "button", class: "button small", "aria-label": label, onclick: change(by) }, text);
    return make("span", { class: "row" }, button("−", words.zoom_out, -1), button("+", words.zoom_in, 1));
  }

  /** Size of something that should look `pixels` wide. */
  unit(pixels) {
    const shown = this.svg.getBoundingClientRect().width || 600;
    return (pixels * (this.size?.[0] ?? 1)) / shown;
  }

  place(event) {
    const matrix = this.svg.getScreenCTM();
    if (!matrix || !this.size) return null;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return this.inside([point.x, point.y]);
  }

  inside([x, y]) {
    const round = (value) => Number(value.toFixed(this.digits));
    return [round(Math.min(Math.max(x, 0), this.size[0])), round(Math.min(Math.max(y, 0), this.size[1]))];
  }

  clear() {
    const active = document.activeElement;
    this.focused = this.svg.contains(active) ? (active.closest(".handle")?.dataset.key ?? null) : null;
    this.back.replaceChildren();
    this.front.replaceChildren();
  }

  /** After everything was drawn anew: the keyboard stays where it was. */
  settle() {
    if (this.focused) this.front.querySelector(`[data-key="${CSS.escape(this.focused)}"]`)?.focus({ preventScroll: true });
  }

  line(places, kind, closed = false) {
    const shape = draw(closed ? "polygon" : "polyline", { points: places.map((p) => p.join(",")).join(" "), class: kind });
    this.back.append(shape);
    return shape;
  }

  text(place, text) {
    this.back.append(draw("text", { x: place[0], y: place[1], class: "name", "font-size": this.unit(14) }, text));
  }

  /** `move(place, finished)` is called while it is dragged or moved by keys; `choose()` when it is picked. */
  handle(place, { key, name, text, kind = "", move, choose, remove }) {
    const group = draw("g", {
      class: `handle ${kind}`, tabindex: "0", role: "button", "data-key": key,
      "aria-label": `${name}: ${place[0].toFixed(this.digits)}, ${place[1].toFixed(this.digits)}`,
      transform: `translate(${place[0]} ${place[1]})`,
    });
    group.append(
      draw("circle", { r: this.unit(18), class: "reach" }),
      draw("circle", { r: this.unit(11) }),
      draw("text", { "font-size": this.unit(12) }, text),
    );
    group.addEventListener("keydown", (event) => this.keyed(event, place, move, choose, remove));
    group.addEventListener("pointerdown", (event) => this.drag(event, group, move, choose));
    this.front.append(group);
  }

  keyed(event, place, move, choose, remove) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (by) {
      const step = this.step * (event.shiftKey ? 10 : 1);
      move(this.inside([place[0] + by[0] * step, place[1] + by[1] * step]), true);
    } else if (event.key === "Delete" || event.key === "Backspace") remove?.();
    else if (event.key === "Enter" || event.key === " ") choose?.();
    else return;
    event.preventDefault();
  }

  drag(event, group, move, choose) {
    event.preventDefault();
    group.focus({ preventScroll: true });
    this.dragged = false;
    const start = [event.clientX, event.clientY];
    let last = null;
    const follow = (moved) => {
      if (last === null && Math.hypot(moved.clientX - start[0], moved.clientY - start[1]) < 4) return;
      last = this.place(moved);
      this.dragged = true;
      if (last) group.setAttribute("transform", `translate(${last[0]} ${last[1]})`);
    };
    const end = () => {
      window.removeEventListener("pointermove", follow);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
      if (last) move(last, true);
      else choose?.();
      setTimeout(() => { this.dragged = false; }, 0);
    };
    window.addEventListener("pointermove", follow);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  }
}
