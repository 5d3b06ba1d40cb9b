//! What libtest printed, added up: `cargo test` itself tells only each binary's own numbers, and a
//! test that was ignored is easily overlooked among them.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
};

/// The sum over all test binaries.
#[derive(Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    /// As libtest put it: the name, and the reason if it has one.
    pub(crate) ignored: Vec<String>,
}

impl Report {
    /// Prints each line as it comes, and counts.
    pub(crate) fn follow(&mut self, output: impl Read) {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("{line}");
            self.count(&line);
        }
    }

    fn count(&mut self, line: &str) {
        if let Some((test, reason)) = line.strip_prefix("test ").and_then(|test| {
            let (test, outcome) = test.split_once(" ... ")?;
            Some((test, outcome.strip_prefix("ignored")?))
        }) {
            self.ignored.push(format!("{test}{}", reason.replacen(',', ":", 1)));
        }
        // test result: ok. 3 passed; 0 failed; 1 ignored; …
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let numbers = result.split_once(". ").map_or(result, |(_, numbers)| numbers);
        for part in numbers.split("; ") {
            match part.split_once(' ').map(|(number, what)| (number.parse::<usize>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        write!(f, ", {} ignored", self.ignored.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_binaries_and_names_what_was_ignored() {
        let mut report = Report::default();
        report.follow(
            "running 3 tests\n\
             test a::b ... ok\n\
             test a::slow ... ignored, takes an hour\n\
             test src/lib.rs - x (line 3) ... ignored\n\
             test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished\n\
             test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n"
                .as_bytes(),
        );
        assert_eq!(report.to_string(), "11 passed, 2 failed, 2 ignored");
        assert_eq!(report.ignored, ["a::slow: takes an hour", "src/lib.rs - x (line 3)"]);
    }
}
