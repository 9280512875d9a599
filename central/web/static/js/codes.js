/** Draws the link that connects a customer's phone. The code is behind the hash: it is in no log of any server. */
import { draw } from "./qr.js";

const made = document.getElementById("made");
if (made) draw(document.getElementById("link"), `${location.origin}/me#${encodeURIComponent(made.dataset.code)}`);
