//! What holds for whatever is read.

mod flows;
mod reading;
mod storing;
