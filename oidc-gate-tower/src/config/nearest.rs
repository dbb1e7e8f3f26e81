//! Which name somebody may have meant.

/// That the name is unknown, and the known one that is written most like it.
pub(super) fn unknown<'a>(name: &str, known: impl IntoIterator<Item = &'a &'a str>) -> String {
    match nearest(name, known.into_iter().copied()) {
        Some(near) => format!("is unknown; did you mean {near}?"),
        None => "is unknown; remove it".to_owned(),
    }
}

/// The known name that is written most like this one, if it is like it at all.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What nobody types is not measured: the time grows with the length.
    let name: Vec<char> = name.chars().take(80).collect();
    let measured = known
        .into_iter()
        .map(|other| (distance(&name, other), other));
    let (distance, near) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + near.len() / 3).then_some(near)
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
        let known = ["base_url", "issuer_url", "client_id", "email_domains"];
        for (name, near) in [
            ("baseurl", Some("base_url")),
            ("isuer_url", Some("issuer_url")),
            ("email_domain", Some("email_domains")),
            ("something_else_entirely", None),
        ] {
            assert_eq!(nearest(name, known), near, "{name}");
        }
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&letters("kitten"), "sitting"), 3);
        assert_eq!(distance(&letters(""), "abc"), 3);
        assert_eq!(distance(&letters("abc"), ""), 3);
    }
}
