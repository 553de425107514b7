import { genAiProviderName, type ExporterSettings, type ProviderTable } from '#telemetry/index.ts';
import { exporterSettings } from '#telemetry/config.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { packageVersion } from './version.ts';

/** What the exporter runs on by this configuration; null: nothing is exported. */
export function telemetryOf(config: GateConfig, instance: string): ExporterSettings | null {
  const section = config.file.telemetry.otlp;
  if (!section) return null;
  return exporterSettings(section, {
    environment: config.file.environment,
    version: packageVersion(),
    instance,
    headers: config.otlpHeaders,
    providers: providersOf(config),
  });
}

const DEFAULT_PORT: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

function providersOf({ providers }: GateConfig): ProviderTable {
  return Object.fromEntries(
    [...providers].map(([name, { data, origin }]) => {
      const { hostname, port, protocol } = new URL(origin);
      const facts = {
        genAiName: genAiProviderName(data.name),
        address: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (DEFAULT_PORT[protocol] ?? 0) : Number(port),
      };
      return [name, facts];
    }),
  );
}
