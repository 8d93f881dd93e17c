//! Files and faults of TLS, in words: the library underneath is stricter than the engines' own clients,
//! and names its reasons for programmers.

use std::fs::File;

use super::error::DbError;
use crate::dialect::ErrorKind;
use crate::model::target::ServerTarget;

/// The error if a file that the URL names cannot be read.
pub fn readable(target: &ServerTarget) -> Result<(), DbError> {
    let files = [
        ("authority's certificate", &target.ca),
        ("client's certificate", &target.certificate),
        ("client's key", &target.key),
    ];
    for (what, file) in files {
        let Some(file) = file else { continue };
        if let Err(reason) = File::open(file) {
            let message = format!("cannot read the {what} {}: {reason}", file.display());
            return Err(DbError::new(ErrorKind::Other, message));
        }
    }
    Ok(())
}

/// What is wrong with the server's certificate, by a word of the library, and what helps.
const FAULTS: &[(&str, &str)] = &[
    (
        "CaUsedAsEndEntity",
        "the server's certificate is one of an authority (CA:TRUE), which bird does not take for a server: \
         make it with `openssl req -x509 -addext basicConstraints=critical,CA:FALSE -addext \
         subjectAltName=DNS:HOST …`, or sign it with an authority of your own",
    ),
    (
        "UnsupportedCertVersion",
        "the server's certificate has version 1, without extensions: make one of version 3 with `openssl \
         x509 -req -extfile FILE`, where FILE has the line `subjectAltName=DNS:HOST`",
    ),
    (
        "UnknownIssuer",
        "the server's certificate is signed by an authority that is not known here",
    ),
    (
        "NotValidForName",
        "the server's certificate is not for this host name",
    ),
    ("NotValidYet", "the server's certificate is not valid yet"),
    ("Expired", "the server's certificate has expired"),
    ("Revoked", "the server's certificate was revoked"),
    (
        "InvalidPurpose",
        "the server's certificate is not meant for servers (extendedKeyUsage=serverAuth)",
    ),
    (
        "BadSignature",
        "the signature of the server's certificate is wrong: another authority has the same name",
    ),
    (
        "UnsupportedSignatureAlgorithm",
        "the server's certificate is signed with an algorithm that is not supported, such as SHA-1",
    ),
    ("BadEncoding", "the server's certificate is malformed"),
];

/// A fault of a handshake as a sentence.
pub fn explain(fault: &str) -> String {
    let is_about_server = fault.contains("invalid peer certificate");
    let known = FAULTS.iter().find(|(word, _)| fault.contains(word));
    match known.filter(|_| is_about_server) {
        Some((_, sentence)) => format!("TLS: {sentence}"),
        None => format!("TLS: {fault}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_certificates_are_sentences() {
        for (fault, words) in [
            (
                "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
                "CA:FALSE",
            ),
            (
                "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
                "version 1",
            ),
            (
                "invalid peer certificate: certificate not valid for name \"h\"; NotValidForName",
                "host name",
            ),
            ("invalid peer certificate: UnknownIssuer", "not known here"),
            ("received fatal alert: HandshakeFailure", "HandshakeFailure"),
        ] {
            let sentence = explain(fault);
            assert!(sentence.contains(words), "{sentence}");
            assert!(!sentence.contains("OtherError"), "{sentence}");
        }
    }
}
