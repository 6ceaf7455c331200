// Lowest and highest scores over 1, 2, 4, 8, ... snippets, so that a column of pixels costs the same at any zoom.

export class Pyramid {
  constructor(scores) {
    this.levels = [{ low: scores, high: scores }];
    while (this.levels.at(-1).high.length > 1) {
      const { low, high } = this.levels.at(-1);
      const count = Math.ceil(high.length / 2);
      const next = { low: new Uint8Array(count), high: new Uint8Array(count) };
      for (let i = 0; i < count; i++) {
        const second = Math.min(2 * i + 1, high.length - 1);
        next.low[i] = Math.min(low[2 * i], low[second]);
        next.high[i] = Math.max(high[2 * i], high[second]);
      }
      this.levels.push(next);
    }
  }

  // Lowest and highest score of the snippets from `first` up to before `stop`; fractions are rounded outwards.
  extremes(first, stop) {
    const level = Math.max(0, Math.min(this.levels.length - 1, Math.floor(Math.log2(Math.max(1, stop - first)))));
    const { low, high } = this.levels[level];
    const from = Math.max(0, Math.floor(first / 2 ** level));
    const to = Math.min(high.length - 1, Math.ceil(stop / 2 ** level) - 1);
    let least = 255;
    let most = 0;
    for (let i = from; i <= Math.max(from, to) && i < high.length; i++) {
      if (low[i] < least) least = low[i];
      if (high[i] > most) most = high[i];
    }
    return [Math.min(least, most), most];
  }
}
