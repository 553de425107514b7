/** Columns of LiteLLM's database that are read, by table, with its own names (schema.prisma of BerriAI/litellm). */
export const TABLES = {
  LiteLLM_OrganizationTable: ['organization_id', 'organization_alias', 'budget_id', 'models', 'spend'],
  LiteLLM_BudgetTable: [
    ...['budget_id', 'max_budget', 'soft_budget', 'budget_duration', 'budget_reset_at'],
    ...['max_parallel_requests', 'tpm_limit', 'rpm_limit', 'model_max_budget'],
  ],
  LiteLLM_TeamTable: [
    ...['team_id', 'team_alias', 'organization_id', 'models', 'blocked', 'model_id'],
    ...['max_budget', 'soft_budget', 'spend', 'budget_duration', 'budget_reset_at'],
    ...['max_parallel_requests', 'tpm_limit', 'rpm_limit', 'model_max_budget', 'budget_limits', 'router_settings'],
  ],
  LiteLLM_UserTable: ['user_id', 'user_email', 'max_budget', 'spend'],
  LiteLLM_VerificationToken: [
    ...['token', 'key_name', 'key_alias', 'user_id', 'team_id', 'organization_id', 'project_id', 'expires', 'blocked'],
    ...['models', 'spend', 'max_budget', 'budget_duration', 'budget_reset_at', 'budget_id'],
    ...['max_parallel_requests', 'tpm_limit', 'rpm_limit', 'model_max_budget', 'budget_limits'],
    ...['aliases', 'config', 'permissions', 'router_settings', 'allowed_routes', 'metadata', 'object_permission_id'],
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type TableName = keyof typeof TABLES;

/** A row by its column names; a column that this version of LiteLLM does not have is absent. */
export type Row = Readonly<Record<string, unknown>>;
export type Rows = Readonly<Record<TableName, readonly Row[]>>;

/** Tables of which rows are counted, since nothing in them can be carried over. */
export const COUNTED = {
  LiteLLM_ProxyModelTable: {
    where: 'TRUE',
    why: ['models that were made in the UI: their parameters are encrypted', 'write them into headgate.yaml'],
  },
  LiteLLM_CredentialsTable: {
    where: 'TRUE',
    why: ['credentials that were made in the UI are encrypted', 'put them into the environment'],
  },
  LiteLLM_Config: {
    where: 'TRUE',
    why: ['settings that were made in the UI', 'write what you need into headgate.yaml'],
  },
  LiteLLM_DeprecatedVerificationToken: {
    where: "revoke_at > (now() AT TIME ZONE 'UTC')",
    why: ['old secrets of rotated keys, which still worked for a while', 'let their callers take the new secret'],
  },
  LiteLLM_EndUserTable: {
    where: 'budget_id IS NOT NULL OR blocked',
    why: [
      'budgets and blocks of single end users: an end user is stored as an HMAC here',
      'headgate budgets create --level end_user gives each end user the same budget',
    ],
  },
  LiteLLM_TeamMembership: {
    where: 'budget_id IS NOT NULL',
    why: ['budgets of people within a team', 'give each of them a key with a budget'],
  },
  LiteLLM_TagTable: {
    where: 'budget_id IS NOT NULL',
    why: ['budgets of tags', 'a feature can have a budget: headgate budgets create --level feature'],
  },
  LiteLLM_ProjectTable: {
    where: 'TRUE',
    why: ['projects: a key belongs to a tenant and a team here', 'a feature can stand for a project'],
  },
} as const satisfies Readonly<Record<string, { readonly where: string; readonly why: readonly [string, string] }>>;

export interface LitellmData {
  readonly rows: Rows;
  /** How many rows of each counted table there are. */
  readonly counts: Readonly<Partial<Record<keyof typeof COUNTED, number>>>;
  /** For people: a database's name or a file, never a credential. */
  readonly name: string;
}
