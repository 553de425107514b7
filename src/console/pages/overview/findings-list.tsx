import { Copy, Panel } from '../../parts/basics.tsx';
import { plain } from '../../parts/text.ts';
import { useNavigation } from '../../state/use-place.ts';
import type { Finding } from './findings.ts';

interface Props {
  readonly findings: readonly Finding[];
  readonly ready: boolean;
  /** In words. */
  readonly lookedAt: string;
}

export function Findings({ findings, ready, lookedAt }: Props) {
  const { to } = useNavigation();
  return (
    <Panel title="Open findings" note={findings.length > 0 ? findings.length : ''}>
      <ul class="findings">
        {findings.map(({ grade, text, evidence, next, page, asked, link }) => (
          <li key={text}>
            <span class={`grade ${grade}`}>{grade === 'bad' ? '✕ bad' : '! warn'}</span>
            <span>
              {plain(text)} {evidence.length > 0 && <span class="muted">{evidence.map(plain).join(' · ')}</span>}
              {next[0] !== undefined && <Command text={next[0]} />}
            </span>
            <a href={to(page, asked)}>{link}</a>
          </li>
        ))}
        {findings.length === 0 && (
          <li>
            <span class={ready ? 'ok' : 'muted'}>{ready ? '✓ Nothing needs you' : 'Looking …'}</span>
            {ready && <span class="muted">{lookedAt} were looked at</span>}
          </li>
        )}
      </ul>
    </Panel>
  );
}

const Command = ({ text }: { readonly text: string }) => (
  <span class="row">
    <code>{plain(text)}</code> <Copy text={text} what="the command" />
  </span>
);
