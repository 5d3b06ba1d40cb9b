//! Proof Key for Code Exchange, S256 (RFC 7636).

use sha2::{Digest, Sha256};

use crate::random::{self, RandomText};

/// BASE64URL(SHA256(ASCII(code_verifier))) (RFC 7636 section 4.2).
pub(crate) fn s256_challenge(verifier: &str) -> RandomText {
    random::encode(&Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::s256_challenge;
    use crate::random;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let challenge = s256_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(random::as_str(&challenge), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
