// When frames begin and end: by the frame rate, or by the times that the server sends where the rate varies.

export class Frames {
  constructor(fps, times, duration) {
    this.seconds = 1 / (fps || 25);
    this.times = times.length > 1 ? times : null;
    this.duration = duration;
  }

  // The number of the frame on screen at a time.
  at(time) {
    if (!this.times) return Math.floor(time / this.seconds + 1e-3);
    let low = 0;
    let high = this.times.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.times[middle] <= time + 1e-4) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  start(frame) {
    if (!this.times) return frame * this.seconds;
    const last = this.times.length - 1;
    return frame <= last ? this.times[Math.max(0, frame)] : this.duration;
  }

  // The middle of a frame: its border may be shown as either of two frames.
  middle(frame) {
    return (this.start(frame) + this.start(frame + 1)) / 2;
  }

  // Half a frame into the frame that begins at a time.
  into(time) {
    return this.middle(this.at(time + 1e-6));
  }

  // Half a frame into the frame that ends at a time.
  before(time) {
    return this.middle(this.at(Math.max(0, time - 2e-4)));
  }

  // The nearest border between two frames.
  snap(time) {
    if (!this.times) return Math.round(time / this.seconds) * this.seconds;
    const frame = this.at(time);
    return time - this.start(frame) <= this.start(frame + 1) - time ? this.start(frame) : this.start(frame + 1);
  }

  // A border some frames away from the nearest one.
  move(time, frames) {
    const here = this.times ? this.at(this.snap(time)) : Math.round(time / this.seconds);
    const last = this.times && this.snap(time) >= this.duration ? 1 : 0;
    return Math.max(0, this.start(here + last + frames));
  }
}
