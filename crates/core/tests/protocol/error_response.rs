//! How an answer that is an error is read, and what can be done about it.

mod recovery;
mod shapes;
