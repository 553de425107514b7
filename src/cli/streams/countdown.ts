import type { Terminal } from '../terminal.ts';

export interface Countdown {
  /** What is being done from now on. */
  step(what: string): void;
  stop(): void;
}

/** Says what a long run does; on a terminal also how long it still takes, each second. */
export function countdown(terminal: Terminal, lastsMs: number): Countdown {
  const until = performance.now() + lastsMs;
  let doing = '';
  const draw = (): void => {
    const leftS = Math.ceil((until - performance.now()) / 1_000);
    const left = terminal.isLive && leftS > 0 ? `, about ${leftS} s to go` : '';
    if (doing !== '') terminal.progress(`measuring ${doing}${left}`);
  };
  const timer = terminal.isLive ? setInterval(draw, 1_000) : null;
  return {
    step: (what) => {
      doing = what;
      draw();
    },
    stop: () => {
      if (timer) clearInterval(timer);
      terminal.progress('');
    },
  };
}
