/* Announces what nobody uses, and what only its own file uses. */
void ts_dead_alone(void);
void ts_dead_inside(void);
