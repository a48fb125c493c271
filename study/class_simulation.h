/* Recorded closed loops as a user types them: every recording is written as a scenario (so many users who do not think,
 * catalog hardware and model, an engine) and simulated at the catalog's constants. */
#ifndef TS_STUDY_CLASS_SIMULATION_H
#define TS_STUDY_CLASS_SIMULATION_H

#include "study/class_points.h"

/* Sets `simulated` of each point of a recording. A fit scales the closed form by it: at the constants that the catalog
 * has, its predictions are the simulator's to the last digit, and a fit that finds these constants again is one through
 * the simulator. 1 for what cannot be simulated (the scenario is refused: too little memory). TS_ENOMEM. */
enum ts_status ts_class_points_simulate(struct ts_class_points *points, const struct ts_catalog *catalog,
                                        struct ts_diags *diags);

#endif
