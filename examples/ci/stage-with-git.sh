#!/bin/sh
# Makes keys on a runner whose disk does not last: plain sh and git, for any CI.
#
# Run it in a full clone (not a shallow one) of the branch that holds the sealed file:
#
#   stage-with-git.sh            stage, push the sealed file, release, push the record of that
#   stage-with-git.sh stage      only stage and push: nothing is enabled, for instance before a review
#   stage-with-git.sh release    only release what this checkout holds, and push the record of that
#
# Wherever it fails or is cut off, no key is enabled whose sealed secret is not in the remote's branch. A key that was
# staged and whose sealed entry never got there stays disabled, and is deleted by an apply 8 days after it was made.
#
# Variables, with what they are when not set:
#   KEYCOMB=keycomb                  the program
#   SEALED=keycomb.sealed.toml       the sealed file, as `[seal] file` says it
#   REMOTE=origin  BRANCH=(current)  where the sealed file is at home
#   PLAN=(none)                      a saved plan: it is carried out, and nothing else; without one, what the files say
#   TRIES=5  PAUSE=2                 how often to push, and the seconds between
set -eu

keycomb=${KEYCOMB:-keycomb}
sealed=${SEALED:-keycomb.sealed.toml}
remote=${REMOTE:-origin}
plan=${PLAN:-}
branch=${BRANCH:-$(git symbolic-ref --quiet --short HEAD || :)}
tries=${TRIES:-5}
pause=${PAUSE:-2}

say() { printf '%s\n' "stage-with-git: $*" >&2; }
fail() { say "$*"; exit 1; }

# git, its hooks and its helpers need no management key, and nobody is there to be asked.
git() {
    (
        unset KEYCOMB_KEY_ID KEYCOMB_KEY_SECRET KEYCOMB_KEY_ID_FILE KEYCOMB_KEY_SECRET_FILE
        unset HONEYCOMB_KEY_ID HONEYCOMB_KEY_SECRET HONEYCOMB_KEY_ID_FILE HONEYCOMB_KEY_SECRET_FILE
        unset HONEYCOMB_MANAGEMENT_KEY HONEYCOMB_MANAGEMENT_SECRET
        unset HONEYCOMB_MANAGEMENT_KEY_FILE HONEYCOMB_MANAGEMENT_SECRET_FILE
        GIT_TERMINAL_PROMPT=0 command git "$@"
    )
}

# `keycomb apply`, of the plan if there is one.
apply() {
    if [ -n "$plan" ]; then "$keycomb" apply "$@" "$plan"; else "$keycomb" apply "$@" --yes; fi
}

# Whether this commit is in the remote's branch, as the remote itself says it.
is_home() {
    git fetch --quiet "$remote" "+refs/heads/$branch:refs/remotes/$remote/$branch" &&
        git merge-base --is-ancestor HEAD "refs/remotes/$remote/$branch"
}

# Whether the remote answers; a branch that it does not have yet is made there, from this one.
reach() {
    git ls-remote --exit-code --quiet "$remote" "refs/heads/$branch" >/dev/null && return 0
    [ $? -eq 2 ] && git push --quiet "$remote" "HEAD:refs/heads/$branch"
}

# Commits the sealed file and brings it home. What push says does not count: an answer can be lost, or be wrong.
publish() {
    [ -e "$sealed" ] || return 0
    git add -- "$sealed"
    git diff --cached --quiet -- "$sealed" || git commit --quiet --message "$1" -- "$sealed"
    try=1
    until is_home; do
        [ "$try" -le "$tries" ] || return 1
        if [ "$try" -gt 1 ]; then sleep "$pause"; fi
        # Somebody else was first: the merge driver takes the entries of both.
        git rebase --quiet --autostash "refs/remotes/$remote/$branch" || {
            git rebase --abort || :
            return 1
        }
        git push --quiet "$remote" "HEAD:refs/heads/$branch" || :
        try=$((try + 1))
    done
}

stage() {
    status=0
    [ -e "$sealed" ] || fail "there is no $sealed yet: make it with \`keycomb apply\` where the disk lasts, and commit it"
    reach || fail "$remote/$branch cannot be reached, or cannot take this branch: nothing is staged"
    apply --stage || status=$?
    # Also when not all went well: what was staged is worth bringing home.
    publish "Stage keys" || fail "the sealed file did not reach $remote/$branch: what was staged stays disabled"
    # Some keys not made, or not to be had: the others are released all the same, and the worst is told at the end.
    case $status in 0 | 5 | 7 | 8 | 10) ;; *) exit "$status" ;; esac
    staged=$status
}

release() {
    { is_home && git diff --quiet HEAD -- "$sealed"; } ||
        fail "the sealed file of this checkout is not the one in $remote/$branch: nothing is released"
    status=0
    # Nothing is made here: a key that came with a rebase, or was never staged, waits for the next run's staging.
    apply --release || status=$?
    # Only a record of what is at the service anyway: should it not get there, the next apply writes it again.
    publish "Record the release of keys" || say "the record of the release did not reach $remote/$branch"
    [ "$status" -ne 0 ] || status=${staged:-0}
    exit "$status"
}

[ -n "$branch" ] || fail "no branch is checked out: set BRANCH"
git config merge.keycomb.driver "'$keycomb' secrets merge %O %A %B --path %P"

case ${1-all} in
    all) stage && release ;;
    stage) stage && exit "$staged" ;;
    release) release ;;
    *) say "expected \`stage\`, \`release\` or nothing" && exit 64 ;;
esac
