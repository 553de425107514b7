import { Panel } from '../../parts/basics.tsx';
import { plain } from '../../parts/text.ts';
import { useNavigation } from '../../state/use-place.ts';
import type { Finding } from './findings.ts';

export function Findings({ findings, ready }: { readonly findings: readonly Finding[]; readonly ready: boolean }) {
  const { to } = useNavigation();
  return (
    <Panel title="Open findings" note={findings.length > 0 ? findings.length : ''}>
      <ul class="findings">
        {findings.map(({ grade, text, page, asked, link }) => (
          <li key={text}>
            <span class={`grade ${grade}`}>{grade === 'bad' ? '✕ bad' : '! warn'}</span>
            <span>{plain(text)}</span>
            <a href={to(page, asked)}>{link}</a>
          </li>
        ))}
        {findings.length === 0 && (
          <li>
            <span class={ready ? 'ok' : 'muted'}>{ready ? '✓ Nothing needs you' : 'Looking …'}</span>
            {ready && (
              <span class="muted">alerts, budgets, providers, prices, spool and configuration were looked at</span>
            )}
          </li>
        )}
      </ul>
    </Panel>
  );
}
