import { demoClinic } from './demo-clinic';
import { otherDemoClinic } from './other-demo-clinic';

/** The demo clinic comes last: where it is, the set is complete. */
export default [otherDemoClinic, demoClinic];
