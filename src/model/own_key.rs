//! A secret key by which bird knows again what it has written to places where others may write, too.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::hex;

/// A secret key. It authenticates texts with nested SHA-256, as HMAC (RFC 2104) does.
#[derive(Clone)]
pub struct OwnKey {
    secret: String,
    /// Whether several users or machines have it. If so, they accept only what it has signed.
    is_shared: bool,
}

/// The secret is not shown.
impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey").finish_non_exhaustive()
    }
}

/// What proves who wrote a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Names the key without giving it away.
    pub key: String,
    /// The authentication code, in hexadecimal.
    pub code: String,
}

impl OwnKey {
    /// The key of one user.
    #[must_use]
    pub fn of_user(secret: String) -> OwnKey {
        OwnKey {
            secret,
            is_shared: false,
        }
    }

    /// A key that was given to several users or machines.
    #[must_use]
    pub fn shared(secret: String) -> OwnKey {
        OwnKey {
            secret,
            is_shared: true,
        }
    }

    /// The authentication code of a named text, in hexadecimal.
    #[must_use]
    pub fn code(&self, name: &str, text: &[u8]) -> String {
        let inner = Sha256::new()
            .chain_update(&self.secret)
            .chain_update(name.len().to_le_bytes())
            .chain_update(name)
            .chain_update(text)
            .finalize();
        let outer = Sha256::new().chain_update(&self.secret).chain_update(inner);
        hex::digits(&outer.finalize())
    }

    /// Signs a named text.
    #[must_use]
    pub fn sign(&self, name: &str, text: &[u8]) -> Signature {
        Signature {
            key: self.name(),
            code: self.code(name, text),
        }
    }

    /// Whether a named text may be used: this key has signed it, or another user has, whose key is
    /// not known here. Who shares a key accepts nothing else.
    #[must_use]
    pub fn accepts(&self, signature: Option<&Signature>, name: &str, text: &[u8]) -> bool {
        match signature {
            Some(signature) if signature.key == self.name() => {
                signature.code == self.code(name, text)
            }
            _ => !self.is_shared,
        }
    }

    fn name(&self) -> String {
        self.code("name", b"").chars().take(16).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: &str) -> OwnKey {
        OwnKey::of_user(letter.repeat(64))
    }

    #[test]
    fn a_code_is_of_one_name_one_text_and_one_key() {
        let code = key("a").code("name", b"text");
        assert_eq!(key("a").code("name", b"text"), code);
        for other in [
            key("a").code("namet", b"ext"),
            key("a").code("name", b"texts"),
            key("b").code("name", b"text"),
        ] {
            assert_ne!(other, code);
        }
    }

    #[test]
    fn a_changed_text_is_refused_and_another_user_is_not_known() {
        let signature = key("a").sign("name", b"text");
        assert!(key("a").accepts(Some(&signature), "name", b"text"));
        assert!(!key("a").accepts(Some(&signature), "name", b"other"));
        assert!(key("b").accepts(Some(&signature), "name", b"other"));
        assert!(key("b").accepts(None, "name", b"text"));
    }

    #[test]
    fn who_shares_a_key_accepts_nothing_else() {
        let shared = || OwnKey::shared("secret".into());
        let signature = shared().sign("name", b"text");
        assert!(shared().accepts(Some(&signature), "name", b"text"));
        assert!(!shared().accepts(Some(&signature), "name", b"other"));
        assert!(!shared().accepts(Some(&key("a").sign("name", b"text")), "name", b"text"));
        assert!(!shared().accepts(None, "name", b"text"));
    }
}
