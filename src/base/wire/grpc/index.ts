export { chatBody, DoubleField, embedBody } from './bodies.ts';
export { enveloped, FLAG, oneMessage, timeoutMs, type Envelope } from './framing.ts';
export { choiceMessages, MessageSteps, usageMessage, type StepInit } from './steps.ts';
