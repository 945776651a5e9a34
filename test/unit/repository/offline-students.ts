import { Sequelize } from 'sequelize-typescript';
import { withAssociated } from '../../../src/database/repository/feature-models';
import { describeEntity } from '../../../src/database/model/entity-description';
import { Allergy, Student } from '../../../src/domains';

/** Initialises the models; nothing connects. */
const sequelize = new Sequelize({
  dialect: 'postgres',
  models: withAssociated([Student, Allergy]),
  define: { underscored: true, paranoid: true, timestamps: true },
});

/** Models that can be described and compiled without a server. */
export const offline = {
  sequelize,
  Student,
  Allergy,
  student: describeEntity(Student),
  allergy: describeEntity(Allergy),
};
