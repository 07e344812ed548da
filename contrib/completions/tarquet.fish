# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tarquet_global_optspecs
    string join \n h/help V/version
end

function __fish_tarquet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tarquet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tarquet_using_subcommand
    set -l cmd (__fish_tarquet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tarquet -n "__fish_tarquet_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_needs_command" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "extract" -d 'Extract what a feature map names into a Parquet dataset'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "inspect" -d 'Show what is in an archive, and write a feature map to start from'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "check" -d 'Check a feature map, alone or against an archive'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "preview" -d 'Show the first rows of every feature'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "verify" -d 'Check that every part of a dataset is whole and exactly what its ledger says'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "completions" -d 'Write what makes a shell complete this command line to standard output'
complete -c tarquet -n "__fish_tarquet_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l tar-path -d 'A tar (or gzip, zstd), a directory, - for stdin; repeatable' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l include -d 'Take only members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l exclude -d 'Leave out members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l documents -d 'A member\'s documents: auto, json, ndjson, array' -r -f -a "auto\t'By name: `.ndjson` and `.jsonl` have one on each line, others are one'
json\t'Every member is one document'
ndjson\t'Every member has one document on each line'
array\t'Every member is one JSON array of documents'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l max-document-bytes -d 'Documents larger than this fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l feature-map -d 'The map from fields to columns' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l sample -d 'How many documents decide the types that are open' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l out-dir -d 'Where the dataset goes' -r -f -a "(__fish_complete_directories)"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l buffer-rows -d 'A part ends once it has this many rows' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l buffer-bytes -d 'The largest part ends once all open ones exceed this' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l workers -d 'Worker processes [default: as many as cores, from 8 to 12]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l inflate-threads -d 'Threads that decompress [default: a third of the cores, up to 4]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l worker-memory -d 'What each worker may allocate' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l member-timeout -d 'How long a worker may compute on one member' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l sandbox -d 'How workers lock themselves in: auto, require, off' -r -f -a "auto\t'As far as the system lets them; the summary says how far'
require\t'In full, or nothing is run'
off\t'Not at all'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l engine -d 'A parser: structural, simd-json, reference' -r -f -a "reference\t'The scalar parser that decides what is valid'
simd-json\t'simd-json\'s tape; what it cannot give exactly is the reference\'s'
structural\t'An index made with vector instructions; only what is asked for is read'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l checkpoint-every -d 'How often what is done is committed' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l allow-failed -d 'How many documents may fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l progress -d 'Progress on standard error: auto, plain, json, none' -r -f -a "auto\t'A bar on a terminal, else plain lines'
plain\t'A line every ten seconds'
json\t'A JSON object on a line of its own every second'
none\t'Nothing'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l log -d 'What is logged: off, error, warn, info, debug, trace' -r -f -a "off\t'Nothing'
error\t'What stops the run'
warn\t'What may need attention'
info\t'What happens'
debug\t'What the workers say'
trace\t'Everything'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l summary -d 'The summary on standard output: text, json' -r -f -a "text\t'A table for people'
json\t'What is in summary.json'"
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l ignore-zeros -d 'Read on behind an end-of-archive marker'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l resume -d 'Go on with the run that was stopped in DIR'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -l overwrite -d 'Replace the dataset that DIR holds'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s v -l verbose -d 'Log more (-v: info, -vv: debug)'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s q -l quiet -d 'Show nothing but errors'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand extract" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l tar-path -d 'A tar (or gzip, zstd), a directory, - for stdin; repeatable' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l include -d 'Take only members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l exclude -d 'Leave out members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l documents -d 'A member\'s documents: auto, json, ndjson, array' -r -f -a "auto\t'By name: `.ndjson` and `.jsonl` have one on each line, others are one'
json\t'Every member is one document'
ndjson\t'Every member has one document on each line'
array\t'Every member is one JSON array of documents'"
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l max-document-bytes -d 'Documents larger than this fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l sample -d 'How many documents are looked at, or `all`' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l format -d 'How it is shown: table, json, csv' -r -f -a "table\t'A tree for people'
json\t'One JSON object, with a list of paths'
csv\t'A line for each path'"
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l write-map -d 'Write a feature map that can be run as it is' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l workers -d 'Worker processes [default: as many as cores, from 8 to 12]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l inflate-threads -d 'Threads that decompress [default: a third of the cores, up to 4]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l worker-memory -d 'What each worker may allocate' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l member-timeout -d 'How long a worker may compute on one member' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l sandbox -d 'How workers lock themselves in: auto, require, off' -r -f -a "auto\t'As far as the system lets them; the summary says how far'
require\t'In full, or nothing is run'
off\t'Not at all'"
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l engine -d 'A parser: structural, simd-json, reference' -r -f -a "reference\t'The scalar parser that decides what is valid'
simd-json\t'simd-json\'s tape; what it cannot give exactly is the reference\'s'
structural\t'An index made with vector instructions; only what is asked for is read'"
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l progress -d 'Progress on standard error: auto, plain, json, none' -r -f -a "auto\t'A bar on a terminal, else plain lines'
plain\t'A line every ten seconds'
json\t'A JSON object on a line of its own every second'
none\t'Nothing'"
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l log -d 'What is logged: off, error, warn, info, debug, trace' -r -f -a "off\t'Nothing'
error\t'What stops the run'
warn\t'What may need attention'
info\t'What happens'
debug\t'What the workers say'
trace\t'Everything'"
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l ignore-zeros -d 'Read on behind an end-of-archive marker'
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -l spread -d 'Take the sample from all over the archive'
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -s v -l verbose -d 'Log more (-v: info, -vv: debug)'
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -s q -l quiet -d 'Show nothing but errors'
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l feature-map -d 'The feature map to check' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l sample -d 'How many documents are looked at, or `all`' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l rows -d 'How many rows of each feature are shown' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l include -d 'Take only members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l exclude -d 'Leave out members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l documents -d 'A member\'s documents: auto, json, ndjson, array' -r -f -a "auto\t'By name: `.ndjson` and `.jsonl` have one on each line, others are one'
json\t'Every member is one document'
ndjson\t'Every member has one document on each line'
array\t'Every member is one JSON array of documents'"
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l max-document-bytes -d 'Documents larger than this fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l workers -d 'Worker processes [default: as many as cores, from 8 to 12]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l inflate-threads -d 'Threads that decompress [default: a third of the cores, up to 4]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l worker-memory -d 'What each worker may allocate' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l member-timeout -d 'How long a worker may compute on one member' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l sandbox -d 'How workers lock themselves in: auto, require, off' -r -f -a "auto\t'As far as the system lets them; the summary says how far'
require\t'In full, or nothing is run'
off\t'Not at all'"
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l engine -d 'A parser: structural, simd-json, reference' -r -f -a "reference\t'The scalar parser that decides what is valid'
simd-json\t'simd-json\'s tape; what it cannot give exactly is the reference\'s'
structural\t'An index made with vector instructions; only what is asked for is read'"
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l progress -d 'Progress on standard error: auto, plain, json, none' -r -f -a "auto\t'A bar on a terminal, else plain lines'
plain\t'A line every ten seconds'
json\t'A JSON object on a line of its own every second'
none\t'Nothing'"
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l log -d 'What is logged: off, error, warn, info, debug, trace' -r -f -a "off\t'Nothing'
error\t'What stops the run'
warn\t'What may need attention'
info\t'What happens'
debug\t'What the workers say'
trace\t'Everything'"
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l tar-path -d 'A tar (or gzip, zstd), a directory, - for stdin; repeatable' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -l ignore-zeros -d 'Read on behind an end-of-archive marker'
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -s v -l verbose -d 'Log more (-v: info, -vv: debug)'
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -s q -l quiet -d 'Show nothing but errors'
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand check" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l tar-path -d 'A tar (or gzip, zstd), a directory, - for stdin; repeatable' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l include -d 'Take only members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l exclude -d 'Leave out members with such names, a glob; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l documents -d 'A member\'s documents: auto, json, ndjson, array' -r -f -a "auto\t'By name: `.ndjson` and `.jsonl` have one on each line, others are one'
json\t'Every member is one document'
ndjson\t'Every member has one document on each line'
array\t'Every member is one JSON array of documents'"
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l max-document-bytes -d 'Documents larger than this fail' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l feature-map -d 'The map from fields to columns' -r -F
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l feature -d 'Show only this feature; repeatable' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l sample -d 'How many documents are looked at for rows, and types' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l rows -d 'How many rows of each feature are shown' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l format -d 'How they are shown: table, json, arrow' -r -f -a "table\t'A table for each feature, for people'
json\t'A JSON object for each row, on a line of its own, with the feature\'s name as `feature`'
arrow\t'An Arrow IPC stream, of one feature'"
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l workers -d 'Worker processes [default: as many as cores, from 8 to 12]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l inflate-threads -d 'Threads that decompress [default: a third of the cores, up to 4]' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l worker-memory -d 'What each worker may allocate' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l member-timeout -d 'How long a worker may compute on one member' -r -f
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l sandbox -d 'How workers lock themselves in: auto, require, off' -r -f -a "auto\t'As far as the system lets them; the summary says how far'
require\t'In full, or nothing is run'
off\t'Not at all'"
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l engine -d 'A parser: structural, simd-json, reference' -r -f -a "reference\t'The scalar parser that decides what is valid'
simd-json\t'simd-json\'s tape; what it cannot give exactly is the reference\'s'
structural\t'An index made with vector instructions; only what is asked for is read'"
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l progress -d 'Progress on standard error: auto, plain, json, none' -r -f -a "auto\t'A bar on a terminal, else plain lines'
plain\t'A line every ten seconds'
json\t'A JSON object on a line of its own every second'
none\t'Nothing'"
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l log -d 'What is logged: off, error, warn, info, debug, trace' -r -f -a "off\t'Nothing'
error\t'What stops the run'
warn\t'What may need attention'
info\t'What happens'
debug\t'What the workers say'
trace\t'Everything'"
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -l ignore-zeros -d 'Read on behind an end-of-archive marker'
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -s v -l verbose -d 'Log more (-v: info, -vv: debug)'
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -s q -l quiet -d 'Show nothing but errors'
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand preview" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -l out-dir -d 'The dataset\'s directory' -r -f -a "(__fish_complete_directories)"
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -l quick -d 'Look at sizes and at Parquet\'s own counts, but do not read the pages'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -s q -l quiet -d 'Show nothing but what is wrong'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand verify" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c tarquet -n "__fish_tarquet_using_subcommand completions" -s V -l version -d 'Print version'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "extract" -d 'Extract what a feature map names into a Parquet dataset'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "inspect" -d 'Show what is in an archive, and write a feature map to start from'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "check" -d 'Check a feature map, alone or against an archive'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "preview" -d 'Show the first rows of every feature'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "verify" -d 'Check that every part of a dataset is whole and exactly what its ledger says'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "completions" -d 'Write what makes a shell complete this command line to standard output'
complete -c tarquet -n "__fish_tarquet_using_subcommand help; and not __fish_seen_subcommand_from extract inspect check preview verify completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
