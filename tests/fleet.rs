//! A fleet of processes in virtual time: managers that share a store and nothing else.

#[path = "fleet/backlog.rs"]
mod backlog;
#[path = "fleet/clocks.rs"]
mod clocks;
#[path = "fleet/close.rs"]
mod close;
#[path = "fleet/forgotten.rs"]
mod forgotten;
#[path = "fleet/handles.rs"]
mod handles;
#[path = "fleet/jitter.rs"]
mod jitter;
#[path = "fleet/lead.rs"]
mod lead;
#[path = "fleet/limits.rs"]
mod limits;
#[path = "fleet/lost.rs"]
mod lost;
#[path = "fleet/maintenance.rs"]
mod maintenance;
#[path = "fleet/moving.rs"]
mod moving;
#[path = "fleet/overtaken.rs"]
mod overtaken;
#[path = "fleet/put_off.rs"]
mod put_off;
#[path = "fleet/rejected.rs"]
mod rejected;
#[path = "fleet/rotation.rs"]
mod rotation;
#[path = "fleet/round_trips.rs"]
mod round_trips;
#[path = "fleet/support.rs"]
mod support;
#[path = "fleet/trial.rs"]
mod trial;
