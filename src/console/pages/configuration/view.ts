/** What `/admin/configuration` answers. */
export type {
  ConfigurationChange,
  ConfigurationReport,
  ConfigurationValue,
} from '#gateway/operations/configuration.ts';
