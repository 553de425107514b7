-- Tables of LiteLLM as far as an import reads or counts them: names, types and defaults of the columns of schema.prisma
-- in BerriAI/litellm at commit 029f645f1c81cbd6c6c48fbc8490d91da937066f, in the types that Prisma gives them in PostgreSQL.
CREATE TABLE "LiteLLM_BudgetTable" (
  budget_id text PRIMARY KEY, max_budget double precision, soft_budget double precision, max_parallel_requests integer,
  tpm_limit bigint, rpm_limit bigint, model_max_budget jsonb, budget_duration text, budget_reset_at timestamp(3),
  allowed_models text[] DEFAULT '{}', created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL,
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL
);
CREATE TABLE "LiteLLM_CredentialsTable" (
  credential_id text PRIMARY KEY, credential_name text UNIQUE NOT NULL, credential_values jsonb NOT NULL,
  credential_info jsonb, created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL,
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL
);
CREATE TABLE "LiteLLM_ProxyModelTable" (
  model_id text PRIMARY KEY, model_name text NOT NULL, litellm_params jsonb NOT NULL, model_info jsonb,
  blocked boolean NOT NULL DEFAULT false, created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL,
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL
);
CREATE TABLE "LiteLLM_OrganizationTable" (
  organization_id text PRIMARY KEY, organization_alias text NOT NULL, budget_id text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}', models text[], spend double precision NOT NULL DEFAULT 0,
  model_spend jsonb NOT NULL DEFAULT '{}', object_permission_id text,
  created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL,
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL
);
CREATE TABLE "LiteLLM_TeamTable" (
  team_id text PRIMARY KEY, team_alias text, organization_id text, object_permission_id text, admins text[],
  members text[], members_with_roles jsonb NOT NULL DEFAULT '{}', metadata jsonb NOT NULL DEFAULT '{}',
  max_budget double precision, soft_budget double precision, spend double precision NOT NULL DEFAULT 0, models text[],
  max_parallel_requests integer, tpm_limit bigint, rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3),
  blocked boolean NOT NULL DEFAULT false, created_at timestamp(3) NOT NULL DEFAULT now(),
  updated_at timestamp(3) NOT NULL DEFAULT now(), model_spend jsonb NOT NULL DEFAULT '{}',
  model_max_budget jsonb NOT NULL DEFAULT '{}', router_settings jsonb DEFAULT '{}',
  team_member_permissions text[] DEFAULT '{}', access_group_ids text[] DEFAULT '{}', policies text[] DEFAULT '{}',
  default_team_member_models text[] DEFAULT '{}', budget_limits jsonb, model_id integer UNIQUE,
  allow_team_guardrail_config boolean NOT NULL DEFAULT false
);
CREATE TABLE "LiteLLM_ProjectTable" (
  project_id text PRIMARY KEY, project_alias text, description text, team_id text, budget_id text,
  metadata jsonb NOT NULL DEFAULT '{}', models text[], spend double precision NOT NULL DEFAULT 0,
  model_spend jsonb NOT NULL DEFAULT '{}', model_rpm_limit jsonb NOT NULL DEFAULT '{}',
  model_tpm_limit jsonb NOT NULL DEFAULT '{}', blocked boolean NOT NULL DEFAULT false, object_permission_id text,
  created_at timestamp(3) NOT NULL DEFAULT now(), created_by text NOT NULL,
  updated_at timestamp(3) NOT NULL DEFAULT now(), updated_by text NOT NULL
);
CREATE TABLE "LiteLLM_UserTable" (
  user_id text PRIMARY KEY, user_alias text, team_id text, sso_user_id text UNIQUE, organization_id text,
  object_permission_id text, password text, teams text[] DEFAULT '{}', user_role text, max_budget double precision,
  spend double precision NOT NULL DEFAULT 0, user_email text, models text[], metadata jsonb NOT NULL DEFAULT '{}',
  max_parallel_requests integer, tpm_limit bigint, rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3),
  allowed_cache_controls text[] DEFAULT '{}', policies text[] DEFAULT '{}', model_spend jsonb NOT NULL DEFAULT '{}',
  model_max_budget jsonb NOT NULL DEFAULT '{}', created_at timestamp(3) DEFAULT now(), updated_at timestamp(3) DEFAULT now()
);
CREATE TABLE "LiteLLM_VerificationToken" (
  token text PRIMARY KEY, key_name text, key_alias text, soft_budget_cooldown boolean NOT NULL DEFAULT false,
  spend double precision NOT NULL DEFAULT 0, expires timestamp(3), models text[], aliases jsonb NOT NULL DEFAULT '{}',
  config jsonb NOT NULL DEFAULT '{}', router_settings jsonb DEFAULT '{}', user_id text, team_id text, agent_id text,
  project_id text, permissions jsonb NOT NULL DEFAULT '{}', max_parallel_requests integer,
  metadata jsonb NOT NULL DEFAULT '{}', blocked boolean, tpm_limit bigint, rpm_limit bigint, max_budget double precision,
  budget_duration text, budget_reset_at timestamp(3), allowed_cache_controls text[] DEFAULT '{}',
  allowed_routes text[] DEFAULT '{}', policies text[] DEFAULT '{}', access_group_ids text[] DEFAULT '{}',
  model_spend jsonb NOT NULL DEFAULT '{}', model_max_budget jsonb NOT NULL DEFAULT '{}', budget_id text,
  organization_id text, object_permission_id text, created_at timestamp(3) DEFAULT now(), created_by text,
  updated_at timestamp(3) DEFAULT now(), updated_by text, last_active timestamp(3), rotation_count integer DEFAULT 0,
  auto_rotate boolean DEFAULT false, rotation_interval text, last_rotation_at timestamp(3), key_rotation_at timestamp(3),
  budget_limits jsonb
);
CREATE TABLE "LiteLLM_DeprecatedVerificationToken" (
  id text PRIMARY KEY, token text UNIQUE NOT NULL, active_token_id text NOT NULL, revoke_at timestamp(3) NOT NULL,
  created_at timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "LiteLLM_EndUserTable" (
  user_id text PRIMARY KEY, alias text, spend double precision NOT NULL DEFAULT 0, allowed_model_region text,
  default_model text, budget_id text, object_permission_id text, blocked boolean NOT NULL DEFAULT false
);
CREATE TABLE "LiteLLM_TagTable" (
  tag_name text PRIMARY KEY, description text, models text[], model_info jsonb, spend double precision NOT NULL DEFAULT 0,
  budget_id text, created_at timestamp(3) NOT NULL DEFAULT now(), created_by text,
  updated_at timestamp(3) NOT NULL DEFAULT now()
);
CREATE TABLE "LiteLLM_Config" (param_name text PRIMARY KEY, param_value jsonb);
CREATE TABLE "LiteLLM_TeamMembership" (
  user_id text, team_id text, spend double precision NOT NULL DEFAULT 0, total_spend double precision NOT NULL DEFAULT 0,
  budget_id text, PRIMARY KEY (user_id, team_id)
);
