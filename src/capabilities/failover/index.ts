export { Affinity, heldFirst, usageIfHeld, type ConversationKey, type Kept } from './core/affinity.ts';
export { attemptOrder } from './core/choose.ts';
export { familyOf, refusesReasoning, thoughtElsewhere } from './core/families.ts';
export { coversDeployment, coversModel, openOrder, strandedModels, type OpenOrder } from './core/drain.ts';
export { deploymentId, modelTable, type Deployment, type ModelGroup, type ModelTable } from './core/models.ts';
export { nextStep, type AttemptFailure, type NextStep, type RetryPolicy, type RetryState } from './core/retry.ts';
