/** Person-seconds per cell as a Leaflet layer (simpleheat on a canvas that follows the map). */
const GRADIENT = { 0.15: "#3b4cc0", 0.4: "#2a9d8f", 0.7: "#e9c46a", 1: "#e63b2e" };

export const HeatLayer = window.L.Layer.extend({
  initialize() {
    this._cells = [];
    this._cellM = 0.25;
  },

  onAdd(map) {
    this._canvas = window.L.DomUtil.create("canvas", "heat-layer");
    map.getPane("heat").append(this._canvas);
    map.on("moveend zoomend resize viewreset", this._draw, this);
    this._draw();
  },

  onRemove(map) {
    map.off("moveend zoomend resize viewreset", this._draw, this);
    this._canvas.remove();
  },

  /** @param {{cell_m: number, cells: [number, number, number][]}} heat */
  setHeat(heat) {
    this._cells = heat.cells;
    this._cellM = heat.cell_m || 0.25;
    if (this._map) this._draw();
  },

  _draw() {
    const map = this._map;
    const size = map.getSize();
    if (!size.x || !size.y) return;
    window.L.DomUtil.setPosition(this._canvas, map.containerPointToLayerPoint([0, 0]));
    this._canvas.width = size.x;
    this._canvas.height = size.y;
    const metre = Math.abs(map.latLngToContainerPoint([0, 1]).x - map.latLngToContainerPoint([0, 0]).x);
    const radius = Math.min(60, Math.max(5, this._cellM * metre * 1.1));
    const layer = window.simpleheat(this._canvas).gradient(GRADIENT).radius(radius, radius);
    layer.max(this._top()).data(this._cells.map(([column, row, seconds]) => {
      const point = map.latLngToContainerPoint([-(row + 0.5) * this._cellM, (column + 0.5) * this._cellM]);
      return [point.x, point.y, Math.min(seconds, this._top())];
    }));
    layer.draw(0.06);
  },

  /** One cell where somebody stood all day must not make the rest invisible. */
  _top() {
    const values = this._cells.map((cell) => cell[2]).sort((a, b) => a - b);
    return values.length ? Math.max(1, values[Math.floor(values.length * 0.95)]) : 1;
  },
});
