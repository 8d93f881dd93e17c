//! The words of names.

/// Tables of people, to which a role refers.
pub const PEOPLE: &[&str] = &[
    "users",
    "user",
    "accounts",
    "members",
    "customers",
    "people",
    "persons",
    "profiles",
];

/// Words for what a person is to a row.
pub const ROLES: &[&str] = &[
    "act",
    "approver",
    "assignee",
    "author",
    "created",
    "creator",
    "deleted",
    "editor",
    "followed",
    "follower",
    "following",
    "grantee",
    "grantor",
    "invited",
    "invitee",
    "inviter",
    "owner",
    "parent",
    "producer",
    "provider",
    "published",
    "publisher",
    "receiver",
    "recipient",
    "reporter",
    "reviewer",
    "sender",
    "subscriber",
    "updated",
];

/// The words of a column's name that say what it refers to; `None` if the name says that it refers to
/// nothing.
pub fn stem(column: &str) -> Option<Vec<String>> {
    let mut words = words(column);
    match words.last().map(String::as_str) {
        Some("id" | "uuid" | "key") => {
            words.pop();
        }
        Some("by") => {}
        _ => return None,
    }
    (!words.is_empty()).then_some(words)
}

/// The words of a name in the singular: `userAccounts` and `user_accounts` are `user`, `account`.
pub fn words(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut was_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && was_lower {
            spaced.push('_');
        }
        was_lower = letter.is_lowercase();
        spaced.extend(letter.to_lowercase());
    }
    let words = spaced.split('_').filter(|word| !word.is_empty());
    words.map(singular).collect()
}

/// A word in the singular, as far as its end tells.
fn singular(word: &str) -> String {
    const ENDS: &[(&str, &str)] = &[
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("ses", "s"),
        ("s", ""),
    ];
    for (plural, singular) in ENDS {
        if let Some(start) = word.strip_suffix(plural)
            && !start.is_empty()
            && word.len() > plural.len() + 1
        {
            return format!("{start}{singular}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_in_the_singular() {
        for (name, expected) in [
            ("userAccounts", "user account"),
            ("categories", "category"),
            ("boxes", "box"),
            ("branches", "branch"),
            ("ID", "id"),
            ("s", "s"),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }
}
