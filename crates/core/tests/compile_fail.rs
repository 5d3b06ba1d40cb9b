//! Misuse that does not compile, with the messages that the user sees.
//!
//! The messages are the compiler's, and change a little with it: after an upgrade look at the
//! differences and write them anew with `TRYBUILD=overwrite`.

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
