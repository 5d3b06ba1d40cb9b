//! What is stored comes back, under the key that it was stored under.

use countersign_tokens::{Adopt, Payload, Takeover};

use crate::Verdict;
use crate::store_conformance::Judged;
use crate::store_conformance::steps::{accepted, attempt, epoch, material};
use crate::verdict::hold;

/// Bytes, not text.
pub fn every_payload_comes_back_byte_for_byte(at: &Judged<'_>) -> Verdict {
    let every: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 6] =
        [&every, b"a\0b", b" leading and trailing ", b"\xff\xfe", b"line\r\nline\n", b"'; \\x00--"];
    for payload in payloads {
        let read = match at.find()? {
            Some(read) => read,
            None => at.adopt()?,
        };
        let payload = Payload::new(payload.to_vec());
        let attempt = attempt()?;
        accepted(at.begin(attempt, Takeover::Never)?)?;
        let saved = countersign_tokens::Material { payload: payload.clone(), ..material("") };
        accepted(at.save_this(&read, attempt, saved)?)?;
        hold!(at.load()?.payload == payload, "{:?} came back otherwise", payload.as_bytes());
    }
    Ok(())
}

/// A token may be long, and there may be alternates beside it.
pub fn a_long_payload_comes_back_whole(at: &Judged<'_>) -> Verdict {
    for length in [0, 4096, 64 * 1024] {
        let key = at.key_of(&format!("user of {length}"))?;
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        let material =
            countersign_tokens::Material { payload: Payload::new(bytes.clone()), ..material("") };
        let adopt = Adopt { epoch: epoch()?, replaces: None, material };
        accepted(at.run(at.one().adopt(&key, &adopt))?)?;
        let record = at.run(at.other().load(&key))?;
        let found = record.map(|record| record.payload.as_bytes().to_vec());
        hold!(found.as_ref() == Some(&bytes), "{length} bytes came back otherwise");
    }
    Ok(())
}

/// With its payload, whichever step brings it. A store that seals by itself names its own key.
pub fn a_key_id_comes_back(at: &Judged<'_>) -> Verdict {
    let read = at.adopt()?;
    let mut found = vec![at.load()?.key_id];
    let attempt = attempt()?;
    let unsealed = countersign_tokens::Material { key_id: None, ..material("saved") };
    accepted(at.save_this(&read, attempt, unsealed)?)?;
    found.push(at.load()?.key_id);
    accepted(at.reseal(&at.load()?, "resealed")?)?;
    found.push(at.load()?.key_id);
    let given = [Some("key 1".to_owned()), None, Some("key 2".to_owned())];
    let is_own = found[0].is_some() && found.iter().all(|it| *it == found[0]);
    hold!(found == given || is_own, "{given:?} came back as {found:?}");
    Ok(())
}

/// Keys that some case folding, pattern, template or file system takes for one.
pub fn keys_that_look_alike_are_different(at: &Judged<'_>) -> Verdict {
    let long = "x".repeat(900);
    let subjects = [
        "User".to_owned(),
        "user".to_owned(),
        "user ".to_owned(),
        "user.".to_owned(),
        "u\u{e9}".to_owned(),
        "ue\u{301}".to_owned(),
        "a/b".to_owned(),
        "a%2Fb".to_owned(),
        "..".to_owned(),
        ".".to_owned(),
        "*".to_owned(),
        "us?r".to_owned(),
        "{user}".to_owned(),
        "'; DROP TABLE grants; --".to_owned(),
        "user\0".to_owned(),
        "user:1".to_owned(),
        format!("{long}1"),
        format!("{long}2"),
    ];
    for subject in &subjects {
        let adopt = Adopt { epoch: epoch()?, replaces: None, material: material(subject) };
        let answer = at.run(at.one().adopt(&at.key_of(subject)?, &adopt))?;
        hold!(answer.is_accepted(), "{subject:?} was taken for another");
    }
    for subject in &subjects {
        let record = at.run(at.other().load(&at.key_of(subject)?))?;
        let found = record.map(|record| record.payload.as_bytes().to_vec());
        hold!(found.as_deref() == Some(subject.as_bytes()), "{subject:?} has another's tokens");
    }
    Ok(())
}
