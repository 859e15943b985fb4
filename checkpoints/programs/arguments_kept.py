"""Asks for versions and for a check-up, and tells what has become of what was handed in."""


def main(tt, names, found, info):
    given, of_iterator = list(names), tt.versions(iter(names))
    of_list = tt.versions(given)
    tt.check_environment(found, info)
    return {
        "iterator": of_iterator,
        "list": of_list,
        "names": given,
        "found_versions": found,
        "info": info,
    }
