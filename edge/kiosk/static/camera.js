/** The tablet's camera: opens it, hands out JPEG pictures. Pictures live in memory and are sent to this kiosk's server only. */
const LONGEST_PX = 960;
const QUALITY = 0.86;

export class Camera {
  constructor(video, facing) {
    this.video = video;
    this.facing = facing;
    this.stream = null;
    this.canvas = document.createElement("canvas");
  }

  /** Throws DOMException as getUserMedia does; "insecure" when the browser gives this page no camera at all. */
  async open() {
    if (this.stream) return;
    if (!navigator.mediaDevices) throw new DOMException("no camera interface", "insecure");
    const wish = { facingMode: this.facing, width: { ideal: 1280 }, height: { ideal: 960 } };
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wish, audio: false });
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.canvas.width = 0;
  }

  /** A JPEG blob of what the camera sees now, not mirrored; null while it shows nothing. */
  picture() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!this.stream || !width) return null;
    const share = Math.min(1, LONGEST_PX / Math.max(width, height));
    this.canvas.width = Math.round(width * share);
    this.canvas.height = Math.round(height * share);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((done) => this.canvas.toBlob(done, "image/jpeg", QUALITY));
  }
}
