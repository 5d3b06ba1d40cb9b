//! One refresh of one grant: the machine that decides, and the driver that carries it out.

pub(in crate::manager) mod callers;
pub(in crate::manager) mod driver;
pub(crate) mod machine;
pub(in crate::manager) mod rewrite;
