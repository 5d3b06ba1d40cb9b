use std::time::Duration;

use super::member::Member;
use crate::instant::Millis;

/// Ten years: no access token is meant to live longer, and what claims to is taken down to this.
const LONGEST: i64 = 10 * 366 * 24 * 60 * 60;

/// As a lifetime this would be 31 years, as Unix time it is 2001: what is not below it is an
/// instant. HelloSign's documentation says of `expires_in` that it "uses epoch time", while its
/// examples are lifetimes.
const EPOCH_SIZED: i64 = 1_000_000_000;

/// When a token ends that was asked for at `requested_at`.
///
/// `expires_in` is in seconds (RFC 6749 section 5.1). An integer, a float or a string of either is
/// read, fractions cut off. Zero or less is "already over". Unix time is an instant. Anything else
/// counts as absent, since failing here would throw away tokens that the provider has given.
pub(crate) fn expires_at(expires_in: &Member<'_>, requested_at: Millis) -> Option<Millis> {
    let seconds = expires_in.seconds()?;
    let lifetime = if seconds >= EPOCH_SIZED {
        Millis::from_unix_seconds(seconds).since(requested_at)
    } else {
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    };
    Some(requested_at.plus(lifetime.min(Duration::from_secs(LONGEST.unsigned_abs()))))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, expires_at};
    use crate::instant::Millis;
    use crate::response::member::Member;

    const NOW: i64 = 1_800_000_000;

    fn end(json: &str) -> Option<i64> {
        let member: Member<'_> = serde_json::from_str(json).expect("JSON");
        let end = expires_at(&member, Millis::from_unix_seconds(NOW));
        end.map(|end| end.to_datetime().unix_timestamp() - NOW)
    }

    #[test]
    fn g06_every_spelling_of_expires_in_is_defined() {
        for (json, seconds) in [
            ("3600", Some(3600)),
            ("\"3600\"", Some(3600)),
            ("\" 3600 \"", Some(3600)),
            ("3599.9", Some(3599)),
            ("\"3599.9\"", Some(3599)),
            ("3.6e3", Some(3600)),
            ("0", Some(0)),
            ("-1", Some(0)),
            ("-1e300", Some(0)),
            ("-9223372036854775808", Some(0)),
            ("999999999", Some(LONGEST)),
            ("1800003600", Some(3600)),
            ("\"1800003600\"", Some(3600)),
            ("1700000000", Some(0)),
            ("9223372036854775807", Some(LONGEST)),
            ("18446744073709551615", Some(LONGEST)),
            ("1e308", Some(LONGEST)),
            ("null", None),
            ("\"\"", None),
            ("\"soon\"", None),
            ("\"NaN\"", None),
            ("true", None),
            ("[3600]", None),
            ("{\"seconds\":3600}", None),
        ] {
            assert_eq!(end(json), seconds, "{json}");
        }
    }
}
