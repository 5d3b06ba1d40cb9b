//! G5: no secret appears in `Debug`, `Display`, errors or panics.

mod canaries;
mod echoes;
mod every_type;
mod not_quoted;
mod on_the_wire;
mod panics;
