"""Light curves to model inputs."""
