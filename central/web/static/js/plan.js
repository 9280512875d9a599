/** The store plan in metres: x right, y down; Leaflet's latitude grows upwards, hence the minus. */
import { HeatLayer } from "./heat.js";

const L = window.L;
const at = ([x, y]) => [-y, x];

export class Plan {
  constructor(element, store) {
    const { width_m: width, height_m: height } = store.plan;
    element.style.aspectRatio = `${Math.min(2.4, Math.max(0.8, (width + 1) / (height + 1)))}`;
    this.bounds = [at([0, height]), at([width, 0])];
    this.map = L.map(element, {
      crs: L.CRS.Simple, attributionControl: false, zoomSnap: 0, zoomDelta: 0.5, zoomAnimation: false,
      minZoom: -2, maxZoom: 8, maxBoundsViscosity: 0.8, scrollWheelZoom: false, zoomControl: false,
    });
    // The drawing lies under the heat, the zones above it.
    for (const [name, order] of [["ground", 300], ["heat", 350]]) this.map.createPane(name).style.zIndex = order;
    L.control.zoom({ position: "bottomright" }).addTo(this.map);
    this.fit();
    this.map.setMaxBounds(L.latLngBounds(this.bounds).pad(0.3));
    L.polygon([[0, 0], [width, 0], [width, height], [0, height]].map(at), { className: "wall-shape", pane: "ground", weight: 2, fillOpacity: 1, interactive: false }).addTo(this.map);
    if (store.plan.svg) L.imageOverlay(store.plan.svg, this.bounds, { pane: "ground" }).addTo(this.map);
    this.heat = new HeatLayer().addTo(this.map);
    this.zones = new Map(store.zones.map((zone) => [zone.id, this.zone(zone)]));
    for (const label of store.labels) if (label.position) this.pin(label.position, "label", `${label.id} · ${label.sku}`);
    for (const camera of store.cameras) if (camera.position) this.pin(camera.position, "camera", camera.id);
    for (const line of store.lines) L.polyline([at(line.start), at(line.end)], { className: "wall-shape", pane: "ground", weight: 4, dashArray: "2 7", interactive: false }).addTo(this.map);
    new ResizeObserver(() => { this.map.invalidateSize({ animate: false }); this.fit(); this.crowd(); }).observe(element);
    this.map.on("zoomend", () => this.crowd());
    this.crowd();
  }

  fit() {
    this.map.fitBounds(this.bounds, { padding: [14, 14], animate: false });
  }

  zone({ name, polygon }) {
    const shape = L.polygon(polygon.map(at), { className: "zone-shape", weight: 2, fillOpacity: 0.07, interactive: false }).addTo(this.map);
    const tag = document.createElement("span");
    const title = document.createElement("i");
    const count = document.createElement("b");
    title.textContent = name;
    count.textContent = "–";
    tag.append(title, count);
    // the zone's table says the same in words; an empty tag is no tooltip to a screen reader
    shape.on("tooltipopen", (event) => event.tooltip.getElement()?.removeAttribute("role"));
    shape.bindTooltip(tag, { permanent: true, direction: "center", className: "zone-tag" });
    return { shape, tag, count };
  }

  pin(position, kind, title) {
    const icon = L.divIcon({ className: `pin ${kind}`, iconSize: [14, 14] });
    L.marker(at(position), { icon, keyboard: false, alt: title }).bindTooltip(title, { className: "pin-tip" }).addTo(this.map);
  }

  /** Names of zones that are too small on this screen give way to the number alone. */
  crowd() {
    for (const { shape, tag } of this.zones.values()) {
      tag.classList.remove("tight");
      const box = shape.getBounds();
      const width = this.map.latLngToContainerPoint(box.getNorthEast()).x - this.map.latLngToContainerPoint(box.getSouthWest()).x;
      tag.classList.toggle("tight", tag.offsetWidth > width * 1.15);
      shape.getTooltip()?.update();
    }
  }

  /** @param {{zone: string, people: number}[]} counts; null when they are not known */
  count(counts) {
    const people = new Map((counts ?? []).map((row) => [row.zone, row.people]));
    for (const [id, { count }] of this.zones) {
      const number = counts ? people.get(id) ?? 0 : null;
      count.textContent = number === null ? "–" : String(number);
      count.classList.toggle("some", Boolean(number));
    }
  }
}
