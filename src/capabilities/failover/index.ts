export { attemptOrder } from './core/choose.ts';
export { deploymentId, modelTable, type Deployment, type ModelGroup, type ModelTable } from './core/models.ts';
export { nextStep, type AttemptFailure, type NextStep, type RetryPolicy, type RetryState } from './core/retry.ts';
