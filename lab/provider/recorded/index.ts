import { RECORDED } from '../recorded.ts';

RECORDED.clear();
