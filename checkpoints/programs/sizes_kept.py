"""Makes networks of the sizes that it was given, and tells what has become of the list."""


def main(tt, sizes):
    networks = [tt.MLP(sizes), tt.MLP(sizes)]
    return sizes, [[list(p.shape) for p in network.parameters()] for network in networks]
