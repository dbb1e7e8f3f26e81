//! Which name somebody may have meant.

use super::parse::either;

/// That the name is unknown, and the known one that is written most like it, or all that are known: whoever is told to remove
/// it may remove a restriction.
pub(super) fn unknown(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("is unknown; did you mean {near}?"),
        None => format!("is unknown; use {}", either(known.iter().copied())),
    }
}

/// The known name that is written most like this one, if it is like it at all.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What nobody types is not measured: the time grows with the length.
    let name: Vec<char> = name.chars().take(80).collect();
    let measured = known.into_iter().map(|other| {
        let distance = distance(&name, other);
        // All words of the one in the other: as good as written alike.
        let within = has_words_of(&name, other);
        let is_far = !within && distance > 1 + other.len() / 3;
        (is_far, !within, distance, other)
    });
    let (is_far, _, _, near) = measured.min()?;
    (!is_far).then_some(near)
}

/// Whether the name, of several words, is another with words left out: `allowed_domains` for `allowed_email_domains`.
fn has_words_of(name: &[char], other: &str) -> bool {
    let name: String = name.iter().collect::<String>().to_lowercase();
    let mut words = other.split('_');
    name.contains('_')
        && name
            .split('_')
            .all(|word| words.any(|there| alike(there, word)))
}

/// The same word, or one the other with an ending: `domain` and `domains`.
fn alike(one: &str, other: &str) -> bool {
    let (short, long) = match one.len() < other.len() {
        true => (one, other),
        false => (other, one),
    };
    short.len() > 2 && long.starts_with(short) && long.len() <= short.len() + 1
}

/// How many letters have to be put in, left out or changed.
fn distance(one: &[char], other: &str) -> usize {
    let mut row: Vec<usize> = (0..=one.len()).collect();
    for (at, there) in other.chars().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (here, cell) in one.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            *cell = (diagonal + usize::from(*here != there))
                .min(above + 1)
                .min(left + 1);
            (diagonal, left) = (above, *cell);
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found() {
        let known = [
            "base_url",
            "issuer_url",
            "client_id",
            "email_domains",
            "allowed_emails",
            "allowed_email_domains",
        ];
        for (name, near) in [
            ("baseurl", Some("base_url")),
            ("isuer_url", Some("issuer_url")),
            ("email_domain", Some("email_domains")),
            ("something_else_entirely", None),
            ("allowed_domain", Some("allowed_email_domains")),
            ("allowed_domains", Some("allowed_email_domains")),
        ] {
            assert_eq!(nearest(name, known), near, "{name}");
        }
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&letters("kitten"), "sitting"), 3);
        assert_eq!(distance(&letters(""), "abc"), 3);
        assert_eq!(distance(&letters("abc"), ""), 3);
    }
}
