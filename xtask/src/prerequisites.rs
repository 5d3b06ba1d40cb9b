//! What the tests need of the system beside cargo.
//!
//! TLS libraries and SQLite are compiled from C (`cc`), the `native-tls` feature finds OpenSSL by
//! `pkg-config`, and the stores are tested against real servers. On a bare Debian none of them is
//! there, so they are installed if we may.

use std::{env, process::Command};

use crate::command::{Outcome, output, run, works};

/// A way to see that something is there, and the Debian packages that bring it.
struct Need {
    what: &'static str,
    program: &'static str,
    args: &'static [&'static str],
    packages: &'static [&'static str],
}

const NEEDS: [Need; 6] = [
    Need {
        what: "a C compiler (`cc`)",
        program: "cc",
        args: &["--version"],
        packages: &["gcc", "libc6-dev"],
    },
    Need {
        what: "`pkg-config`",
        program: "pkg-config",
        args: &["--version"],
        packages: &["pkg-config"],
    },
    Need {
        what: "the headers of OpenSSL",
        program: "pkg-config",
        args: &["--exists", "openssl"],
        packages: &["libssl-dev", "pkg-config"],
    },
    Need {
        what: "a PostgreSQL server (`initdb`, `postgres`)",
        program: "sh",
        args: &["-c", "command -v initdb || ls /usr/lib/postgresql/*/bin/initdb"],
        packages: &["postgresql"],
    },
    Need {
        what: "PgBouncer (`pgbouncer`)",
        program: "pgbouncer",
        args: &["--version"],
        packages: &["pgbouncer"],
    },
    Need {
        what: "a Redis server (`redis-server`)",
        program: "redis-server",
        args: &["--version"],
        packages: &["redis-server"],
    },
];

/// Makes sure that what the tests need is there; installs it where that is possible.
///
/// Elsewhere than on Linux, `native-tls` uses the system's own TLS and rustup asks for a compiler.
pub(crate) fn ensure() -> Outcome {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let what = missing.iter().map(|need| need.what).collect::<Vec<_>>().join(", ");
    let mut packages: Vec<_> = missing.iter().flat_map(|need| need.packages).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    if !works("apt-get", &["--version"]) || !is_root() {
        return Err(format!(
            "missing: {what}.\nOn Debian and Ubuntu: sudo apt-get update && sudo apt-get install \
             --yes {}\nElsewhere install the same from your distribution, then run this again.",
            packages.join(" ")
        )
        .into());
    }
    println!("missing: {what}; installing {}", packages.join(" "));
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&packages))?;
    match self::missing().first() {
        None => Ok(()),
        Some(need) => Err(format!(
            "{} is still missing after `{}` was installed; look at what `{} {}` prints",
            need.what,
            packages.join(" "),
            need.program,
            need.args.join(" ")
        )
        .into()),
    }
}

fn missing() -> Vec<&'static Need> {
    // Someone who says where their OpenSSL is needs no `pkg-config` to find it.
    let told = env::var_os("OPENSSL_DIR").is_some();
    NEEDS
        .iter()
        .filter(|need| !(told && need.program == "pkg-config"))
        .filter(|need| !works(need.program, need.args))
        .collect()
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
