/**
 * Rules of FOCUS 1.2 for the columns that an export has, written from the specification’s own pages and not from the
 * columns of `focus.ts`: https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec/tree/v1.2/specification
 */
export interface FocusRule {
  /** Feature level. */
  readonly level: 'mandatory' | 'conditional' | 'recommended';
  readonly allowsNull: boolean;
  readonly type: 'string' | 'decimal' | 'time' | 'json';
  readonly allowed?: readonly string[];
}

const rule = (
  level: FocusRule['level'],
  allowsNull: boolean,
  type: FocusRule['type'],
  allowed?: readonly string[],
) => ({
  ...{ level, allowsNull, type },
  ...(allowed && { allowed }),
});

export const FOCUS_RULES: Readonly<Record<string, FocusRule>> = {
  BilledCost: rule('mandatory', false, 'decimal'),
  BillingAccountId: rule('mandatory', false, 'string'),
  BillingAccountName: rule('mandatory', true, 'string'),
  BillingCurrency: rule('mandatory', false, 'string', ['USD']),
  BillingPeriodEnd: rule('mandatory', false, 'time'),
  BillingPeriodStart: rule('mandatory', false, 'time'),
  ChargeCategory: rule('mandatory', false, 'string', ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']),
  ChargeClass: rule('mandatory', true, 'string', ['Correction']),
  ChargeDescription: rule('mandatory', true, 'string'),
  ChargeFrequency: rule('recommended', false, 'string', ['One-Time', 'Recurring', 'Usage-Based']),
  ChargePeriodEnd: rule('mandatory', false, 'time'),
  ChargePeriodStart: rule('mandatory', false, 'time'),
  ConsumedQuantity: rule('conditional', true, 'decimal'),
  ConsumedUnit: rule('conditional', true, 'string'),
  ContractedCost: rule('mandatory', false, 'decimal'),
  EffectiveCost: rule('mandatory', false, 'decimal'),
  InvoiceIssuerName: rule('mandatory', false, 'string'),
  ListCost: rule('mandatory', false, 'decimal'),
  PricingCategory: rule('conditional', true, 'string', ['Standard', 'Dynamic', 'Committed', 'Other']),
  PricingQuantity: rule('mandatory', true, 'decimal'),
  PricingUnit: rule('mandatory', true, 'string'),
  ProviderName: rule('mandatory', false, 'string'),
  PublisherName: rule('mandatory', false, 'string'),
  ResourceId: rule('conditional', true, 'string'),
  ResourceName: rule('conditional', true, 'string'),
  ResourceType: rule('conditional', true, 'string'),
  ServiceCategory: rule('mandatory', false, 'string', ['AI and Machine Learning']),
  ServiceName: rule('mandatory', false, 'string'),
  ServiceSubcategory: rule('recommended', false, 'string', [
    ...['AI Platforms', 'Bots', 'Generative AI', 'Machine Learning', 'Natural Language Processing'],
    'Other (AI and Machine Learning)',
  ]),
  SkuId: rule('conditional', true, 'string'),
  SkuMeter: rule('conditional', true, 'string'),
  SubAccountId: rule('conditional', true, 'string'),
  SubAccountName: rule('conditional', true, 'string'),
  Tags: rule('conditional', true, 'json'),
};

/** NumericFormat: no sign of a plus, no comma, no unit. */
const DECIMAL = /^-?\d+(\.\d+)?([eE]-?\d+)?$/;
/** Date/TimeFormat: UTC, whole seconds. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** What is wrong with one cell; null: nothing. */
export function cellFault(name: string, text: string): string | null {
  const rules = FOCUS_RULES[name];
  if (!rules) return /^x_[A-Za-z0-9]+$/.test(name) ? null : `${name} is no column of FOCUS and has no x_`;
  if (text === '') return rules.allowsNull ? null : `${name} is null`;
  if (text.trim() === '') return `${name} is blank`;
  if (rules.allowed && !rules.allowed.includes(text)) return `${name}: ${text} is not among the allowed values`;
  if (rules.type === 'decimal') return DECIMAL.test(text) ? null : `${name}: ${text} is no decimal`;
  if (rules.type === 'time') return TIME.test(text) ? null : `${name}: ${text} is no time`;
  return rules.type === 'json' ? tagsFault(name, text) : null;
}

/** Key-ValueFormat: an object of plain values. */
function tagsFault(name: string, text: string): string | null {
  const value = JSON.parse(text) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${name} is no object`;
  return Object.values(value).every((part) => typeof part !== 'object' || part === null) ? null : `${name} is nested`;
}

type Row = Readonly<Record<string, string>>;

/** Rules that tie columns of a row of usage together. */
export function rowFaults(row: Row): string[] {
  const faults: string[] = [];
  const must = (holds: boolean, why: string): void => void (holds || faults.push(why));
  const has = (name: string): boolean => row[name] !== '';
  must(has('ConsumedQuantity') && has('ConsumedUnit'), 'usage has a consumed quantity and its unit');
  must(has('PricingQuantity') && has('PricingUnit'), 'usage has a pricing quantity and its unit');
  must(has('PricingCategory'), 'usage has a pricing category');
  must(has('ResourceType') === has('ResourceId'), 'a resource has a type, and nothing else has');
  must(!has('ResourceName') || row['ResourceName'] !== row['ResourceId'], 'a name of a resource is not its id');
  must(has('SkuMeter') === has('SkuId'), 'a SKU has a meter');
  must(has('SubAccountName') === has('SubAccountId'), 'a sub account has a name');
  // Without unit prices both costs are the billed one.
  must(row['ListCost'] === row['BilledCost'], 'the list cost is the billed one');
  must(row['ContractedCost'] === row['BilledCost'], 'the contracted cost is the billed one');
  must(row['ChargePeriodStart']! < row['ChargePeriodEnd']!, 'a charge period has a length');
  must(row['BillingPeriodStart']! <= row['ChargePeriodStart']!, 'the charge period begins in the billing period');
  must(row['ChargePeriodEnd']! <= row['BillingPeriodEnd']!, 'the charge period ends in the billing period');
  must(/^([A-Z]\w*|\d+ [A-Z]\w*)$/.test(row['PricingUnit']!), 'a unit is capitalized, with a whole number before it');
  return faults;
}
