/** A stream that is silent for longer than the agent's own timer of silence, with heartbeats of the gate and without. */
import type { Agent } from './agents.ts';
import { IDLE_MS } from './agents.ts';
import { finding, type Finding } from './judge.ts';
import { runAgent, setStage, type Ran } from './stage.ts';
import { QUESTIONS, SILENCE_MS, THOUGHT } from './task.ts';

interface Quiet {
  readonly ran: Ran;
  /** How often the agent asked: a second time where its timer has ended the first. */
  readonly asked: number;
}

/** With heartbeats it must wait; without them its timer must fire, or the test would show nothing. */
export async function runQuiet(agent: Agent, folder: string): Promise<Finding[]> {
  const beating = await quiet(agent, folder, '500ms');
  const mute = await quiet(agent, folder, '60s');
  const timers = `timer ${IDLE_MS} ms, silence ${SILENCE_MS} ms`;
  const waited = beating.asked === 1 && beating.ran.output.includes(THOUGHT.trim());
  return [
    finding(
      'waits with heartbeats',
      waited,
      `${timers}: asked ${beating.asked} times in ${Math.round(beating.ran.ms)} ms; ${beating.ran.output.slice(0, 200)}`,
    ),
    finding(
      'gives up without',
      mute.asked > 1,
      `${timers}: asked ${mute.asked} times in ${Math.round(mute.ran.ms)} ms; ${mute.ran.output.slice(0, 200)}`,
    ),
  ];
}

async function quiet(agent: Agent, folder: string, heartbeat: string): Promise<Quiet> {
  const stage = await setStage(agent, agent.dialect, folder, { heartbeat });
  try {
    const [command, ...args] = agent.ask(QUESTIONS.quiet, true);
    const ran = await runAgent(stage, [command!, ...args, ...(agent.idle?.args ?? [])]);
    const asked = stage.provider.log.filter(({ turn }) => turn?.startsWith(QUESTIONS.quiet.split(':')[0]!)).length;
    return { ran, asked };
  } finally {
    await stage.close();
  }
}
